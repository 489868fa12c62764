import assert from "node:assert/strict";
import { after, before, beforeEach } from "node:test";
import { ApiDouble, account, token } from "./api_double.ts";
import { Workspace } from "./cli.ts";

/** An account and a folder for the tests of one suite, new for each test. */
export function withApi(): { readonly api: ApiDouble; readonly workspace: Workspace } {
  const api = new ApiDouble();
  const workspace = new Workspace();
  let url = "";
  before(async () => {
    url = await api.start();
  });
  beforeEach(() => {
    api.reset();
    for (const name of Object.keys(workspace.env)) delete workspace.env[name];
    Object.assign(workspace.env, {
      CLOUDFLARE_API_TOKEN: token,
      CLOUDFLARE_ACCOUNT_ID: account,
      CLOUDFLARE_BASE_URL: url,
    });
  });
  after(async () => {
    await api.close();
    workspace.remove();
  });
  return { api, workspace };
}

/** Runs a command that has to fail with one line. */
export async function failing(
  workspace: Workspace,
  args: readonly string[],
  code: 1 | 2,
): Promise<string> {
  const ran = await workspace.run(...args);
  assert.equal(ran.code, code, `${ran.err}${ran.out}`);
  assert.equal(ran.out, "");
  assert.match(ran.err, /^isotel: .*\n$/);
  return ran.err;
}
