import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Alarm } from "../../../bindings/aggregate/telemetry_aggregator.ts";
import { within } from "../../../bindings/base/time.ts";
import { MemoryStorage } from "../support/runtime_doubles.ts";

function alarmOn(memory: MemoryStorage): Alarm {
  return new Alarm(memory.storage);
}

describe("the alarm of an object", () => {
  test("it is moved to earlier times only, also over the object's life", async () => {
    const storage = new MemoryStorage();
    const alarm = alarmOn(storage);
    await alarm.setBy(2000);
    await alarm.setBy(3000);
    assert.equal(storage.alarmUnixMs, 2000);
    await alarm.setBy(1000);
    assert.equal(storage.alarmUnixMs, 1000);
    const later = alarmOn(storage);
    await later.load();
    await later.setBy(1500);
    assert.equal(storage.alarmUnixMs, 1000);
  });

  test("it is never set to the time of the one that rings, which would be dropped", async () => {
    const storage = new MemoryStorage();
    const alarm = alarmOn(storage);
    await alarm.setBy(1000);
    alarm.rang();
    await alarm.setBy(999.5);
    assert.equal(storage.alarmUnixMs, 1001);
    await alarm.setBy(1000.5);
    assert.equal(storage.alarmUnixMs, 1001);
  });

  test("times are whole milliseconds, not before what was asked for", async () => {
    const storage = new MemoryStorage();
    await alarmOn(storage).setBy(1000.2);
    assert.equal(storage.alarmUnixMs, 1001);
  });

  test("one that could not be set is set the next time", async () => {
    const storage = new MemoryStorage();
    const alarm = alarmOn(storage);
    storage.failure = new Error("disk");
    await assert.rejects(alarm.setBy(1000), /disk/);
    storage.failure = undefined;
    await alarm.setBy(1000);
    assert.equal(storage.alarmUnixMs, 1000);
  });
});

describe("work with a limit", () => {
  test("it comes to what it comes to in time, and to an error after that", async () => {
    assert.equal(await within(1000, Promise.resolve(7)), 7);
    await assert.rejects(within(1000, Promise.reject(new Error("no"))), /no/);
    await assert.rejects(within(1, new Promise(() => {})), /longer than 1 ms/);
  });
});
