/**
 * Finds the checks in a source file by its syntax tree, and what each becomes when it is removed.
 *
 * A check is a condition whose consequence refuses: it throws, returns a rejection or a value that stands for one (null,
 * false, −1, 0), calls something that refuses, or leaves a loop or a handler with nothing done. Of `a || b` each operand is
 * a check of its own; `a && b` that refuses is one check, while of `a && b` that accepts each operand is one. A catch that
 * refuses is a check too: removed, it throws what it caught.
 */
import ts from "typescript";
import type { Reading } from "./scope.ts";

/** A check that can be removed. */
export interface Site {
  /** File, function and condition: the same for as long as the check is, wherever its lines move. */
  readonly key: string;
  /** Path from the root of the repository. */
  readonly file: string;
  /** Names of the class and the function around it. */
  readonly where: string;
  /** What is said about it in the table, as Markdown. */
  readonly what: string;
  /** Text to put into the source, by offset; `ID` stands for the number of the mutant. */
  readonly edits: readonly Edit[];
}

/** Text to be put before an offset of a source. */
export interface Edit {
  readonly at: number;
  readonly text: string;
  /** Of two edits at one offset: those that open go from the outside in, those that close from the inside out. */
  readonly size: number;
  readonly opens: boolean;
}

/** Parses a source. */
export function parse(file: string, text: string): ts.SourceFile {
  return ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
}

/** All checks of a source, in its order. */
export function sitesOf(file: string, text: string, reading: Reading): Site[] {
  const source = parse(file, text);
  const found: Site[] = [];
  const times = new Map<string, number>();
  const note = (node: ts.Node, what: string, edits: readonly Edit[]): void => {
    const where = whereOf(node);
    const base = `${file} ${where}: ${what}`;
    const time = (times.get(base) ?? 0) + 1;
    times.set(base, time);
    const numbered = time === 1 ? what : `${what} (${time})`;
    found.push({ key: `${file} ${where}: ${numbered}`, file, where, what: numbered, edits });
  };
  const removable = (condition: ts.Expression, refuses: boolean): void => {
    for (const { node, by } of atomsOf(condition, refuses)) {
      const verb = by === "false" ? "refuse if" : "demand";
      note(node, `${verb} ${code(node.getText(source))}`, replaced(node, source, by));
    }
  };
  const visit = (node: ts.Node): void => {
    if (isInvariantCheck(node)) return;
    if (ts.isIfStatement(node)) {
      if (refuses(node.thenStatement, reading, source)) removable(node.expression, true);
      else if (isAccepted(node)) removable(node.expression, false);
      else if (
        node.elseStatement !== undefined &&
        !ts.isIfStatement(node.elseStatement) &&
        refuses(node.elseStatement, reading, source)
      ) {
        removable(node.expression, false);
      }
    } else if (ts.isCatchClause(node)) {
      if (reading === "guard" && refusesByAny(node.block)) {
        note(node, "catch what is thrown", caught(node, source));
      }
    } else if (reading === "guard") {
      visitExpression(node);
    }
    ts.forEachChild(node, visit);
  };
  const visitExpression = (node: ts.Node): void => {
    if (ts.isConditionalExpression(node)) {
      const isCode = [node.whenTrue, node.whenFalse].map((one) =>
        REJECTION.test(one.getText(source)),
      );
      // Beside the code of a rejection, null says that there is no fault.
      const [yes = false, no = false] = isCode.includes(true)
        ? isCode
        : [node.whenTrue, node.whenFalse].map(isRefused);
      // Null is also how the format writes what is absent.
      const isForm = /isNull\(\)/u.test(node.condition.getText(source));
      if (yes !== no && !isForm) removable(node.condition, yes);
    } else if (ts.isReturnStatement(node) && node.expression !== undefined) {
      if (isPredicate(node)) removable(node.expression, namesRefusal(functionOf(node)));
    } else if (ts.isArrowFunction(node) && !ts.isBlock(node.body)) {
      if (isPredicate(node.body)) removable(node.body, false);
    } else if (ts.isVariableDeclaration(node) && node.initializer !== undefined) {
      if (isLogical(node.initializer)) {
        removable(node.initializer, namesRefusal(node.name.getText(source)));
      }
    } else if (
      ts.isBinaryExpression(node) &&
      node.operatorToken.kind === ts.SyntaxKind.EqualsToken &&
      isLogical(node.right)
    ) {
      removable(node.right, namesRefusal(node.left.getText(source)));
    }
  };
  visit(source);
  return found;
}

/** The class and function around a node. */
export function whereOf(node: ts.Node): string {
  const names: string[] = [];
  for (let at: ts.Node = node; !ts.isSourceFile(at); at = at.parent) {
    if (ts.isConstructorDeclaration(at)) names.unshift("constructor");
    else if (
      ts.isFunctionDeclaration(at) ||
      ts.isClassDeclaration(at) ||
      ts.isMethodDeclaration(at) ||
      ts.isGetAccessor(at) ||
      ts.isPropertyAssignment(at) ||
      (ts.isVariableDeclaration(at) && ts.isSourceFile(at.parent.parent.parent))
    ) {
      if (at.name !== undefined) names.unshift(at.name.getText());
    }
  }
  return names.length === 0 ? "(top)" : names.join(".");
}

/** Edits that make an expression another one while the mutant is active. */
export function replaced(node: ts.Node, source: ts.SourceFile, by: string): Edit[] {
  const [start, end] = [node.getStart(source), node.getEnd()];
  const size = end - start;
  return [
    { at: start, text: `(__mutant(ID) ? (${by}) : (`, size, opens: true },
    { at: end, text: "))", size, opens: false },
  ];
}

/** Edits that make a statement another one while the mutant is active. */
export function replacedStatement(node: ts.Statement, source: ts.SourceFile, by: string): Edit[] {
  const [start, end] = [node.getStart(source), node.getEnd()];
  const size = end - start;
  return [
    { at: start, text: `if (__mutant(ID)) { ${by} } else { `, size, opens: true },
    { at: end, text: " }", size, opens: false },
  ];
}

/** Makes the source with all the mutants in it, each behind its number. */
export function withMutants(
  text: string,
  mutants: readonly { readonly id: number; readonly edits: readonly Edit[] }[],
): string {
  const edits = mutants.flatMap(({ id, edits }) =>
    edits.map((edit) => ({ ...edit, text: edit.text.replaceAll("ID", String(id)) })),
  );
  edits.sort((a, b) => {
    if (a.at !== b.at) return a.at - b.at;
    // What ends here goes before what begins here.
    if (a.opens !== b.opens) return a.opens ? 1 : -1;
    return a.opens ? b.size - a.size : a.size - b.size;
  });
  let result = "";
  let done = 0;
  for (const edit of edits) {
    result += text.slice(done, edit.at) + edit.text;
    done = edit.at;
  }
  return result + text.slice(done);
}

/** Code on one line. */
export function oneLine(text: string): string {
  return text
    .replace(/\/\/.*$/gmu, "")
    .replace(/\s+/gu, " ")
    .trim();
}

function code(text: string): string {
  const line = oneLine(text);
  return `\`${line.includes("`") ? line.replaceAll("`", "'") : line}\``;
}

interface Atom {
  readonly node: ts.Expression;
  readonly by: "true" | "false";
}

/** The smallest parts of a condition whose removal makes it refuse less (or, when it accepts, accept more). */
function atomsOf(expression: ts.Expression, refusing: boolean): Atom[] {
  if (ts.isParenthesizedExpression(expression)) return atomsOf(expression.expression, refusing);
  if (
    ts.isPrefixUnaryExpression(expression) &&
    expression.operator === ts.SyntaxKind.ExclamationToken
  ) {
    const inner = atomsOf(expression.operand, !refusing);
    return inner.length > 1 ? inner : [{ node: expression, by: refusing ? "false" : "true" }];
  }
  if (ts.isBinaryExpression(expression)) {
    const operator = expression.operatorToken.kind;
    const [either, both] = refusing
      ? [ts.SyntaxKind.BarBarToken, ts.SyntaxKind.AmpersandAmpersandToken]
      : [ts.SyntaxKind.AmpersandAmpersandToken, ts.SyntaxKind.BarBarToken];
    if (operator === either) {
      return [...atomsOf(expression.left, refusing), ...atomsOf(expression.right, refusing)];
    }
    if (operator === both) {
      const parts = [expression.left, expression.right].map((side) => atomsOf(side, refusing));
      const split = parts.filter((atoms) => atoms.length > 1).flat();
      if (split.length > 0) return split;
    }
  }
  return [{ node: expression, by: refusing ? "false" : "true" }];
}

function caught(node: ts.CatchClause, source: ts.SourceFile): Edit[] {
  const start = node.block.getStart(source);
  const name = node.variableDeclaration?.name.getText(source) ?? "__caught";
  const throwing = {
    at: start + 1,
    text: ` if (__mutant(ID)) throw ${name};`,
    size: 0,
    opens: true,
  };
  if (node.variableDeclaration !== undefined) return [throwing];
  return [{ at: start, text: "(__caught) ", size: 0, opens: true }, throwing];
}

/** Names of functions that refuse when they are called as a statement or returned. */
const REFUSING =
  /(?:^|\.|#)(?:fail|fault|logFault|reject|rejected|refuse|refused|refuseText|refuseFlood|malformed|notGenesis|failure|turnAway|close|terminate|destroy|drop|damaged|report|altered|deleteFirst|dropOldestOf|dropFirstRun|remember|fromMisuse)$/iu;

/** A code of a rejection. */
const REJECTION = /^"(?:wrong|rejected|malformed|too|bad|missing|over)(?:_[a-z]+)?"$/u;

function refuses(statement: ts.Statement, reading: Reading, source: ts.SourceFile): boolean {
  const statements = ts.isBlock(statement) ? statement.statements : [statement];
  const last = statements[statements.length - 1];
  if (last === undefined) return false;
  if (statements.some(ts.isThrowStatement)) return true;
  if (reading === "throws") return false;
  const file = source.fileName;
  if (statements.some(isRefusingCall)) return true;
  if (ts.isReturnStatement(last) && last.expression !== undefined) {
    return isRefusal(last.expression) && statements.length <= 2;
  }
  const isBare =
    ts.isReturnStatement(last) || ts.isContinueStatement(last) || ts.isBreakStatement(last);
  // In handlers and in folds, to leave is to drop what came; elsewhere it is the flow of an algorithm.
  const drops = /\/(?:sync|store|history|document|store)\/|crdt-(?:relayer|node)\//u.test(file);
  return drops && isBare && statements.length === 1;
}

function refusesByAny(block: ts.Block): boolean {
  return block.statements.some(
    (one) =>
      isRefusingCall(one) ||
      (ts.isReturnStatement(one) && (one.expression === undefined || isRefusal(one.expression))) ||
      ts.isThrowStatement(one),
  );
}

function isRefusingCall(statement: ts.Statement): boolean {
  if (!ts.isExpressionStatement(statement)) return false;
  const { expression } = statement;
  if (ts.isCallExpression(expression)) {
    if (REFUSING.test(expression.expression.getText())) return true;
    // What is refused is told by its status.
    return /status: "(?:rejected|duplicate)"/u.test(expression.getText());
  }
  return false;
}

/** True when what follows an `if` that leaves the function refuses. */
function isAccepted(node: ts.IfStatement): boolean {
  const statements = ts.isBlock(node.thenStatement)
    ? node.thenStatement.statements
    : [node.thenStatement];
  const last = statements[statements.length - 1];
  if (last === undefined || !ts.isReturnStatement(last) || node.elseStatement !== undefined)
    return false;
  if (!ts.isBlock(node.parent)) return false;
  const siblings = node.parent.statements;
  const next = siblings[siblings.indexOf(node) + 1];
  if (next === undefined) return false;
  if (ts.isThrowStatement(next) || isRefusingCall(next)) return true;
  const isLast = next === siblings[siblings.length - 1];
  return (
    isLast &&
    ts.isReturnStatement(next) &&
    next.expression !== undefined &&
    isRefused(next.expression) &&
    !/^(?:get|find|next|ancestor|locate)/iu.test(whereOf(node).split(".").pop() ?? "")
  );
}

/** A value that stands for "no" wherever it is chosen. */
function isRefused(expression: ts.Expression): boolean {
  return (
    /^(?:null|false|-1)$/u.test(expression.getText()) ||
    (ts.isCallExpression(expression) && REFUSING.test(expression.expression.getText()))
  );
}

/** A value that stands for "no" when it is returned at once. */
function isRefusal(expression: ts.Expression): boolean {
  if (ts.isParenthesizedExpression(expression)) return isRefusal(expression.expression);
  const text = expression.getText();
  if (/^(?:null|false|-1|0|0n|""|EMPTY|undefined|\[\])$/u.test(text)) return true;
  if (REJECTION.test(text)) return true;
  if (ts.isStringLiteral(expression) || ts.isTemplateExpression(expression)) {
    return expression.getText().includes(" ");
  }
  if (ts.isCallExpression(expression)) return REFUSING.test(expression.expression.getText());
  if (ts.isObjectLiteralExpression(expression)) {
    return /\bok: false\b|kind: INERT|status: "rejected"/u.test(text);
  }
  return false;
}

const PREDICATE =
  /^#?(?:(?:is|has|are|fits|can|verify|links|same|matches)(?=[A-Z]|$)|done$|ascends$|continues$|synced$)/u;

/** Questions whose "yes" refuses. */
function namesRefusal(name: string): boolean {
  return /^#?is(?:Over|Spent|Full|Small|Forked)|^losesDigits|^overlong/u.test(name);
}

function functionOf(node: ts.Node): string {
  return whereOf(node).split(".").pop() ?? "";
}

/** True for what a function with the name of a question answers. */
function isPredicate(node: ts.Node): boolean {
  for (let at: ts.Node | undefined = node.parent; at !== undefined; at = at.parent) {
    if (ts.isFunctionDeclaration(at) || ts.isMethodDeclaration(at) || ts.isGetAccessor(at)) {
      const expression = ts.isReturnStatement(node) ? node.expression : undefined;
      const isConstant = expression !== undefined && /^(?:true|false)$/u.test(expression.getText());
      return PREDICATE.test(at.name?.getText() ?? "") && !isConstant;
    }
    if (ts.isArrowFunction(at) || ts.isFunctionExpression(at)) return false;
  }
  return false;
}

function isLogical(expression: ts.Expression): boolean {
  if (!ts.isBinaryExpression(expression)) return false;
  const kind = expression.operatorToken.kind;
  return kind === ts.SyntaxKind.AmpersandAmpersandToken || kind === ts.SyntaxKind.BarBarToken;
}

/** `check()` of a structure is there for tests only. */
function isInvariantCheck(node: ts.Node): boolean {
  return ts.isMethodDeclaration(node) && node.name.getText() === "check";
}
