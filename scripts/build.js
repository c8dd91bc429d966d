// `pnpm build [package…]`: JavaScript and type declarations of the packages into their dist folders, as they are
// published. Lowest package first, since the others are compiled against the declarations in its dist.
import { rmSync } from "node:fs";
import { compiler, root, runNode } from "./tools.js";

const all = ["bft-json-crdt", "crdt-node", "crdt-relayer"];
const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !all.includes(name));
if (unknown.length > 0) {
  console.error(`no such package: ${unknown.join(", ")}. There are: ${all.join(", ")}`);
  process.exit(2);
}

for (const name of asked.length > 0 ? all.filter((each) => asked.includes(each)) : all) {
  // A file that was renamed must not live on in the tarball.
  rmSync(`${root}packages/${name}/dist`, { recursive: true, force: true });
  const start = performance.now();
  const config = `packages/${name}/tsconfig.build.json`;
  const { code, output } = await runNode([compiler(), "-p", config], {
    show: false,
  });
  process.stdout.write(output);
  if (code !== 0) {
    console.error(
      `${name} does not compile; rerun only this step:\n  npx --yes pnpm@10 build ${name}`,
    );
    process.exit(code);
  }
  console.log(`${name.padEnd(16)} ${((performance.now() - start) / 1000).toFixed(1)} s`);
}
