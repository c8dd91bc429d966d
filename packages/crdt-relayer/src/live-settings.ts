/**
 * The settings that a running relay goes by: one object for its whole life, read by everyone at the moment of use, whose
 * values are exchanged here and nowhere else.
 */
import { type Setting, SETTING_NAMES, SETTINGS, type Settings } from "./settings.ts";

/** What became of new settings. */
export interface Reloaded {
  /** In effect now. */
  readonly changed: readonly (keyof Settings)[];
  /** Different, but a running relay cannot change them; they are as they were. */
  readonly needRestart: readonly (keyof Settings)[];
}

/** Settings whose values can be exchanged while they are in use. */
export class LiveSettings {
  readonly #values: { -readonly [K in keyof Settings]: Settings[K] };

  constructor(settings: Settings) {
    this.#values = { ...settings };
  }

  /** Always the same object, with the values of now. */
  get current(): Settings {
    return this.#values;
  }

  /** Takes over what can be changed while a relay runs. */
  replace(next: Settings): Reloaded {
    const changed: (keyof Settings)[] = [];
    const needRestart: (keyof Settings)[] = [];
    for (const name of SETTING_NAMES) {
      if (isEqual(this.#values[name], next[name])) continue;
      const { needsRestart }: Setting = SETTINGS[name];
      if (needsRestart === true) needRestart.push(name);
      else changed.push(name);
    }
    for (const name of changed) Object.assign(this.#values, { [name]: next[name] });
    return { changed, needRestart };
  }
}

/** Settings are plain data: equal when they are written alike. */
function isEqual(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
