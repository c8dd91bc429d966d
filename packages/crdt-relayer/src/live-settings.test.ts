import { describe, expect, it } from "vitest";
import { LiveSettings } from "./live-settings.ts";
import { completeSettings, SETTING_NAMES, type Settings } from "./settings.ts";

const settings = completeSettings({ data: ":memory:" }, {});

describe("live settings", () => {
  it("are one object whose values change, and tell which did", () => {
    const live = new LiveSettings(settings);
    const { current } = live;
    const next: Settings = { ...settings, maxRooms: 7, logLevel: "debug" };
    expect(live.replace(next)).toEqual({ changed: ["logLevel", "maxRooms"], needRestart: [] });
    expect(live.current).toBe(current);
    expect(current).toEqual(next);
    expect(live.replace(next)).toEqual({ changed: [], needRestart: [] });
    expect(settings.maxRooms).toBe(1_000);
  });

  it("keep what a running relay cannot change, and say that it needs a restart", () => {
    const live = new LiveSettings(settings);
    const next = { ...settings, host: "::1", port: 9, data: "/elsewhere", pingSeconds: 3 };
    expect(live.replace(next)).toEqual({
      changed: ["pingSeconds"],
      needRestart: ["host", "port", "data"],
    });
    expect(live.current).toEqual({ ...settings, pingSeconds: 3 });
  });

  it("can change every number but those that a server is made with", () => {
    const live = new LiveSettings(settings);
    const fixed: readonly string[] = ["port", "metricsPort", "maxHeaderBytes", "backplaneReplicas"];
    const numbers = SETTING_NAMES.filter(
      (name) => typeof settings[name] === "number" && !fixed.includes(name),
    );
    const next = { ...settings, ...Object.fromEntries(numbers.map((name) => [name, 123])) };
    expect(live.replace(next).changed).toEqual(numbers);
    expect(live.current).toEqual(next);
  });
});
