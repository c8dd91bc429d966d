// The layering rules of the workspace (docs/architecture.md), checked on the syntax tree that TypeScript itself parses,
// so that no form of import slips through: static, type-only, re-export, dynamic, `import("x").T`, `import x = require`,
// require(), and `/// <reference>`.
//
//  * Core (packages/bft-json-crdt/src): a file imports only its own and lower layers; nothing of Node outside
//    crypto/backend-node.ts; only packages it declares as dependencies.
//  * Every other package, example and bench: the library and the relayer only through their public entries.
//  * Tests and their models (*.test.ts, *.model.ts, test/) are free inside their package: they need Node and look down
//    from above. They do not reach across packages, and nothing else imports them.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const core = "packages/bft-json-crdt";

/** Low to high. A layer may import itself and those before it. */
const stack = [
  "base",
  "encoding",
  "crypto",
  "change",
  "history",
  "types",
  "schema",
  "saved",
  "document",
];

/** Beside the stack: each may import itself and the stack up to and including the one named. */
const beside = {
  store: "history",
  sync: "history",
  inspect: "history",
  "commit-reveal": "document",
};

/** @type {Record<string, string[]>} */
const mayImport = {
  ...Object.fromEntries(stack.map((layer, i) => [layer, stack.slice(0, i + 1)])),
  ...Object.fromEntries(
    Object.entries(beside).map(([layer, top]) => [
      layer,
      [layer, ...stack.slice(0, stack.indexOf(top) + 1)],
    ]),
  ),
  index: ["index", ...stack, ...Object.keys(beside)],
};

/** The one file of the core that may use Node: the native crypto backend. */
const nodeAllowed = "crypto/backend-node.ts";

/** What the core's `#…` imports (package.json) stand for; the conditions never leave this layer. */
const internalImports = new Map([["#backend", "crypto"]]);

/** @typedef {{ file: string, line: number, message: string }} Violation */

/**
 * Checks every TypeScript file of a workspace.
 *
 * @param {string} root absolute path of the workspace
 * @returns {Violation[]} in the order of the files; empty when all rules hold
 */
export function checkLayers(root) {
  return ["packages", "bench", "examples"]
    .flatMap((folder) => sourceFiles(join(root, folder)))
    .flatMap((path) => {
      const file = relative(root, path).split(sep).join("/");
      return importsOf(path).flatMap(({ specifier, line }) => {
        const message = judge(root, file, specifier);
        return message === null ? [] : [{ file, line, message }];
      });
    });
}

/**
 * @param {string} root
 * @param {string} file relative to the root
 * @param {string | null} specifier null: computed at run time
 * @returns {string | null} what is wrong
 */
function judge(root, file, specifier) {
  const owner = ownerOf(file);
  const isTest = isForTests(file);
  const inCore = file.startsWith(`${core}/src/`) && !isTest;
  if (specifier === null) {
    return inCore ? "the core imports nothing whose name is computed: it cannot be checked" : null;
  }
  if (specifier.startsWith(".")) {
    const target = relative(root, resolve(root, dirname(file), specifier))
      .split(sep)
      .join("/");
    if (ownerOf(target) !== owner && target.startsWith("packages/")) {
      return `${specifier} is another package's source: import the package by its name`;
    }
    if (!isTest && isForTests(target)) return `${specifier} is for tests only`;
    return inCore ? judgeLayer(file, layerOf(target), specifier) : null;
  }
  if (isBuiltin(specifier)) {
    if (!inCore || file === `${core}/src/${nodeAllowed}`) return null;
    return `${specifier} is Node's: the core runs in browsers; only ${nodeAllowed} may use it`;
  }
  if (/^(bft-json-crdt|crdt-node|crdt-relayer)\//.test(specifier)) {
    return `${specifier} reaches behind a package's public entry: import the package by its name`;
  }
  if (isTest) return null;
  if (specifier.startsWith("#")) {
    return inCore ? judgeLayer(file, internalImports.get(specifier) ?? null, specifier) : null;
  }
  const name = specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
  if (file.startsWith("packages/") && /^crdt-(node|relayer)$/.test(name)) {
    return `${name} is a program: node and relayer meet on the wire only`;
  }
  return declared(root, owner).has(name) ? null : `${name} is not a dependency of ${owner}`;
}

/**
 * @param {string} file
 * @param {string | null} to layer of what is imported
 * @param {string} specifier
 */
function judgeLayer(file, to, specifier) {
  const from = layerOf(file);
  if (from === null) return `${file} is in no layer: name its folder in scripts/layers.js`;
  if (to === null) return `${specifier} is in no layer: name its folder in scripts/layers.js`;
  if (mayImport[from]?.includes(to)) return null;
  return `${from} may not import ${to} (${specifier}): allowed are ${mayImport[from]?.join(", ")}`;
}

/**
 * @param {string} file relative to the root
 * @returns {string | null} the layer of a file of the core, null when it has none
 */
function layerOf(file) {
  const inside = file.slice(`${core}/src/`.length);
  if (inside === "index.ts") return "index";
  if (inside === "result.ts" || inside === "limits.ts") return "base";
  const folder = inside.includes("/") ? inside.slice(0, inside.indexOf("/")) : "";
  return folder in mayImport && folder !== "base" && folder !== "index" ? folder : null;
}

/** Tests, and the models that they compare with. @param {string} file */
function isForTests(file) {
  return /\.(test|model)\.ts$/.test(file) || file.startsWith(`${ownerOf(file)}/test/`);
}

/** The package, example or bench folder that a file belongs to. @param {string} file */
function ownerOf(file) {
  const [top = "", name = ""] = file.split("/");
  return top === "packages" || top === "examples" ? `${top}/${name}` : top;
}

/** @type {Map<string, Set<string>>} */
const declaredBy = new Map();

/**
 * The packages that a package, example or bench may import: its dependencies, and for programs that are not published
 * also the root's. A folder without a package.json has the root's only.
 *
 * @param {string} root
 * @param {string} owner
 */
function declared(root, owner) {
  const key = join(root, owner);
  let names = declaredBy.get(key);
  if (names === undefined) {
    names = new Set();
    for (const path of owner.startsWith("packages/") ? [key] : [key, root]) {
      const file = join(path, "package.json");
      const manifest = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : {};
      const fields = [
        manifest.dependencies,
        manifest.peerDependencies,
        manifest.optionalDependencies,
      ];
      if (!owner.startsWith("packages/")) fields.push(manifest.devDependencies);
      for (const field of fields) for (const name of Object.keys(field ?? {})) names.add(name);
    }
    declaredBy.set(key, names);
  }
  return names;
}

/**
 * @param {string} folder
 * @returns {string[]} absolute paths, sorted
 */
function sourceFiles(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) {
        return ["node_modules", "dist"].includes(entry.name) ? [] : sourceFiles(path);
      }
      return /\.[cm]?tsx?$/.test(entry.name) ? [path] : [];
    });
}

/**
 * Every module that a file names, in any form.
 *
 * @param {string} path
 * @returns {{ specifier: string | null, line: number }[]}
 */
function importsOf(path) {
  const source = ts.createSourceFile(
    path,
    readFileSync(path, "utf8"),
    ts.ScriptTarget.Latest,
    false,
  );
  /** @type {{ specifier: string | null, line: number }[]} */
  const found = [];
  /**
   * @param {string | null} specifier
   * @param {number} position
   */
  const add = (specifier, position) =>
    found.push({ specifier, line: source.getLineAndCharacterOfPosition(position).line + 1 });
  /** @param {ts.Node | undefined} node */
  const textOf = (node) => (node && ts.isStringLiteralLike(node) ? node.text : null);

  for (const { fileName, pos } of source.typeReferenceDirectives) {
    add(fileName === "node" ? "node:module" : fileName, pos);
  }
  for (const { fileName, pos } of source.referencedFiles) add(`./${fileName}`, pos);

  /** @param {ts.Node} node */
  const visit = (node) => {
    if ((ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) && node.moduleSpecifier) {
      add(textOf(node.moduleSpecifier), node.moduleSpecifier.pos + 1);
    } else if (ts.isExternalModuleReference(node)) {
      add(textOf(node.expression), node.expression.pos);
    } else if (ts.isImportTypeNode(node)) {
      add(
        ts.isLiteralTypeNode(node.argument) ? textOf(node.argument.literal) : null,
        node.argument.pos,
      );
    } else if (ts.isCallExpression(node)) {
      const { expression } = node;
      const isRequire = ts.isIdentifier(expression) && expression.text === "require";
      if (expression.kind === ts.SyntaxKind.ImportKeyword || isRequire) {
        add(textOf(node.arguments[0]), expression.end);
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const violations = checkLayers(fileURLToPath(new URL("..", import.meta.url)));
  for (const { file, line, message } of violations) console.error(`${file}:${line}: ${message}`);
  process.exitCode = violations.length > 0 ? 1 : 0;
}
