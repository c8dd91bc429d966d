/** What tells two file systems apart whose files are the same in all that they say of themselves. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { mountOf, whereabouts } from "./whereabouts.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "where-"));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** As the system of a container lists them, the layers being those of one image. */
function mountsOf(container: string): string {
  return [
    `1450 1198 0:84 / / rw,relatime master:1 - overlay overlay rw,lowerdir=/o/l/A:/o/l/B,upperdir=/o/${container}/diff,workdir=/o/${container}/work`,
    "1451 1450 0:87 / /proc rw,nosuid - proc proc rw",
    "1452 1450 8:1 /volumes/side/_data /home/anna/.side rw,relatime - ext4 /dev/sda1 rw,errors=remount-ro",
    "1453 1450 8:2 /old /with\\040blank rw - ext4 /dev/sda2 rw",
    "1454 1450 8:2 /new /with\\040blank rw - ext4 /dev/sda2 rw",
    "",
  ].join("\n");
}

test("two containers of one image differ by the layer that each writes to, and share a volume", () => {
  const [one, two] = [mountsOf("c1"), mountsOf("c2")];
  expect(mountOf(one, "/root/.side/anna")).toContain("upperdir=/o/c1/diff");
  expect(mountOf(two, "/root/.side/anna")).toContain("upperdir=/o/c2/diff");
  const volume = "/volumes/side/_data ext4 /dev/sda1 rw,errors=remount-ro";
  for (const mounts of [one, two]) {
    expect(mountOf(mounts, "/home/anna/.side/anna/chain.json")).toBe(volume);
    expect(mountOf(mounts, "/home/anna/.side")).toBe(volume);
    // Beside it, not in it.
    expect(mountOf(mounts, "/home/anna/.side-2")).toContain("overlay");
  }
});

test("what is mounted last over one place counts, whatever its name", () => {
  expect(mountOf(mountsOf("c1"), "/with blank/anna")).toBe("/new ext4 /dev/sda2 rw");
});

test.each(["", "\n", "no mounts", "1 2 3 - ", "1450 1198 8:2 / /elsewhere rw - ext4 /dev/sda2 rw"])(
  "a list that does not name the place says nothing: %j",
  (mounts) => {
    expect(mountOf(mounts, "/home/anna")).toBeNull();
  },
);

test("files of one folder are in one place, by whatever way they are reached, and what is not there is nowhere", () => {
  const [file, other] = [join(folder, "file"), join(folder, "others", "file")];
  mkdirSync(join(folder, "others"));
  for (const path of [file, other]) writeFileSync(path, "");
  symlinkSync(folder, join(folder, "link"));
  const place = whereabouts(file);
  expect(place).toMatch(/^[0-9a-f]{32}$/u);
  expect(whereabouts(other)).toBe(place);
  expect(whereabouts(join(folder, "link", "file"))).toBe(place);
  expect(() => whereabouts(join(folder, "missing"))).toThrow(/ENOENT/u);
});
