import assert from "node:assert/strict";
import { test } from "node:test";
import { IsoTime } from "../../../bindings/flue/flue_observer.ts";

test("the times of events are what Date.parse makes of them, in whatever order", () => {
  const usual = Array.from({ length: 500 }, (_, i) =>
    new Date(1_795_193_176_029 + i * (i % 3 === 0 ? 61_007 : 7)).toISOString(),
  );
  const others = [
    "2024-12-31T23:59:59.999Z",
    "2026-11-20T08:21:60.270Z",
    "2026-13-20T08:21:00.270Z",
    "2026-02-30T08:21:07.270Z",
    "2026-11-20T08:21:0x.270Z",
    "x026-11-20T08:21:07.270Z",
    "2026-11-20T08:21:07,270Z",
    "2026-11-20T08:21:07.2/0Z",
    "2026-11-20T08:21:07Z",
    "2026-11-20T08:21:07.270+01:00",
    "2026-11-20",
    "never",
    "",
  ];
  const times = new IsoTime();
  for (const date of [...usual, ...others, ...usual.reverse()]) {
    assert.ok(Object.is(times.parse(date), Date.parse(date)), date);
  }
  for (const value of [undefined, null, 7, {}]) assert.ok(Number.isNaN(times.parse(value)));
});
