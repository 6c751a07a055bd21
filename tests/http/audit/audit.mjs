// node audit.mjs http://127.0.0.1:8080/graphql [--json]
// Runs every audit of the graphql-http suite against a server; exits with 1 unless all of them are ok.
import { auditServer } from "graphql-http";

const url = process.argv[2];
if (!url) {
  console.error("usage: node audit.mjs URL [--json]");
  process.exit(2);
}
const results = await auditServer({ url, fetchFn: fetch });
const counts = { ok: 0, notice: 0, warn: 0, error: 0 };
for (const { status } of results) counts[status] += 1;
const failed = results
  .filter(({ status }) => status !== "ok")
  .map(({ status, id, name, reason }) => ({ status, id, name, reason }));

if (process.argv.includes("--json")) {
  console.log(JSON.stringify({ audits: results.length, ...counts, failed }));
} else {
  for (const { status, id, name, reason } of failed) console.log(`${status} ${id} ${name}: ${reason}`);
  const { ok, notice, warn, error } = counts;
  console.log(`${results.length} audits: ${ok} ok, ${notice} notice (MAY), ${warn} warn (SHOULD), ${error} error (MUST)`);
}
process.exitCode = failed.length ? 1 : 0;
