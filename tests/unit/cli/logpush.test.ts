import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { account } from "./api_double.ts";
import { failing, withApi } from "./api_test.ts";

const secret = "secret/of+the=tests";
const fields = ["Event", "EventTimestampMs", "Outcome", "Exceptions", "Logs", "ScriptName"];

describe("isotel logpush", () => {
  const { api, workspace } = withApi();
  const keys = () => {
    Object.assign(workspace.env, {
      R2_ACCESS_KEY_ID: "r2-id-of-tests",
      R2_SECRET_ACCESS_KEY: secret,
    });
  };
  const toBucket = ["--bucket", "events"];
  const destination = `r2://events/{DATE}?account-id=${account}&access-key-id=r2-id-of-tests&secret-access-key=${encodeURIComponent(secret)}`;

  test("plan shows the job and changes nothing, nor does apply without --apply", async () => {
    keys();
    for (const command of ["plan", "apply"]) {
      const { code, out, err } = await workspace.run("logpush", command, ...toBucket, "--json");
      assert.equal(code, 0, err);
      const { applied, steps } = JSON.parse(out) as { applied: boolean; steps: object[] };
      assert.equal(applied, false);
      const [step] = steps as [Record<string, unknown>];
      assert.equal(step["action"], "create");
      assert.equal(
        step["destination"],
        "r2://events/{DATE}?account-id=***&access-key-id=***&secret-access-key=***",
      );
      assert.deepEqual(step["fields"], fields);
    }
    assert.deepEqual(api.written, []);
  });

  test("apply creates the job, once", async () => {
    keys();
    const first = await workspace.run("logpush", "apply", ...toBucket, "--apply");
    assert.match(first.out, /^created: Logpush job isotel-workers-trace-events\n/);
    assert.match(first.out, /In wrangler\.jsonc: "logpush": true/);
    const body = {
      name: "isotel-workers-trace-events",
      dataset: "workers_trace_events",
      destination_conf: destination,
      enabled: true,
      output_options: { field_names: fields },
    };
    assert.deepEqual(api.written, [{ method: "POST", path: "logpush/jobs", body }]);
    const second = await workspace.run("logpush", "apply", ...toBucket, "--apply");
    assert.match(second.out, /^kept: Logpush job .*\nThere is nothing to do\.\n/);
    assert.equal(api.written.length, 1);
    assert.doesNotMatch(first.out + second.out, /secret\/of|secret%2Fof|r2-id-of-tests/);
  });

  test("a job of that name is updated, its other settings kept", async () => {
    workspace.env["LOGPUSH_AUTHORIZATION"] = "Bearer push-secret";
    api.account.jobs.push(
      { id: 7, name: "mine", dataset: "http_requests", destination_conf: "s3://b" },
      {
        id: 8,
        name: "mine",
        dataset: "workers_trace_events",
        destination_conf: "https://old.example",
        enabled: false,
        output_options: { field_names: ["Event"], sample_rate: 0.5 },
      },
    );
    const args = ["--name", "mine", "--url", "https://logs.example/in?tenant=1", "--apply"];
    const { code, out } = await workspace.run("logpush", "apply", ...args);
    assert.equal(code, 0);
    assert.match(out, /^updated: Logpush job mine\n/);
    assert.doesNotMatch(out, /push-secret/);
    const [written] = api.written;
    assert.equal(`${written?.method} ${written?.path}`, "PUT logpush/jobs/8");
    assert.deepEqual(written?.body, {
      destination_conf:
        "https://logs.example/in?tenant=1&header_Authorization=Bearer%20push-secret",
      enabled: true,
      output_options: { field_names: fields, sample_rate: 0.5 },
    });
  });

  test("list shows where jobs push to, without the keys, and what went wrong", async () => {
    api.account.jobs.push({
      id: 1,
      name: "mine",
      dataset: "workers_trace_events",
      enabled: true,
      destination_conf: destination,
      error_message: "bucket is gone",
    });
    const { out } = await workspace.run("logpush", "list");
    assert.match(
      out,
      /^mine {2}workers_trace_events {2}r2:\/\/events\/\{DATE\}\?account-id=\*\*\*&/,
    );
    assert.match(out, /failed: bucket is gone\n$/);
    assert.doesNotMatch(out, /secret%2F|r2-id-of-tests/);
    const { jobs } = await workspace.json("logpush", "list");
    assert.doesNotMatch(JSON.stringify(jobs), /secret%2F/);
  });

  test("what is missing or wrong is code 2", async () => {
    const plan = (...args: readonly string[]) =>
      failing(workspace, ["logpush", "plan", ...args], 2);
    assert.match(await plan(), /give --bucket NAME for R2, or --url https:\/\/HOST\/PATH/);
    assert.match(
      await plan("--bucket", "b", "--url", "https://x"),
      /give --bucket NAME for R2, or/,
    );
    assert.match(await plan("--bucket", "Not_A_Bucket"), /--bucket has to be an R2 bucket's name/);
    assert.match(await plan(...toBucket), /R2_ACCESS_KEY_ID is not set: create an R2 API token/);
    assert.match(await plan("--url", "http://logs.example"), /--url has to begin with https:\/\//);
    assert.match(
      await plan("--apply"),
      /there is no option --apply: see npx isotel logpush plan --help/,
    );
  });
});
