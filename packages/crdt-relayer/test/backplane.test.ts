/** The embedded backplane passes what every backplane must. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describeBackplane } from "./acceptance.ts";

describeBackplane("embedded", false, () => {
  const data = mkdtempSync(join(tmpdir(), "crdt-relayer-"));
  return Promise.resolve({
    settings: { data },
    shared: null,
    close: () => {
      rmSync(data, { recursive: true, force: true });
      return Promise.resolve();
    },
  });
});
