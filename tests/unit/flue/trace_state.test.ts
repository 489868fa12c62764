import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { readTraceState } from "../../../bindings/flue/sinks/trace_carrier.ts";

describe("a tracestate", () => {
  test("is told as it came, with what is set in front", () => {
    const state = readTraceState(
      " congo=t61rcWkgMzE , rojo=00f0 ,, bad key=1, more=a=b, rojo=again",
    );
    assert.equal(state?.serialize(), "congo=t61rcWkgMzE,rojo=00f0");
    assert.equal(state?.get("rojo"), "00f0");
    assert.equal(state?.get("none"), undefined);
    assert.equal(state?.set("rojo", "new").serialize(), "rojo=new,congo=t61rcWkgMzE");
    assert.equal(state?.unset("congo").serialize(), "rojo=00f0");
    assert.equal(state?.set("Rojo", "new"), state);
    assert.equal(state?.set("rojo", "a,b"), state);
    assert.equal(state?.serialize(), "congo=t61rcWkgMzE,rojo=00f0");
  });

  test("that is none, or longer than it may be, is left out", () => {
    const members = Array.from({ length: 33 }, (_, i) => `k${i}=v`);
    for (const header of ["", "no", "=", members.join(","), `a=${"b".repeat(511)}`]) {
      assert.equal(readTraceState(header), undefined);
    }
    const full = readTraceState(members.slice(1).join(","));
    assert.equal(full?.set("one", "more").serialize().split(",").length, 32);
  });
});
