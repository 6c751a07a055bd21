// PostGraphile 5 (grafast) over the views and functions that benchmarks/engine/servers/postgraphile.py adds to the database.
import { createServer } from "node:http";
import { grafserv } from "postgraphile/grafserv/node";
import { postgraphile } from "postgraphile";
import { PostGraphileAmberPreset } from "postgraphile/presets/amber";
import { makePgService } from "postgraphile/adaptors/pg";

const instance = postgraphile({
  extends: [PostGraphileAmberPreset],
  pgServices: [
    makePgService({
      schemas: ["engine"],
      poolConfig: { max: 8, min: 8, options: "-c jit=off" }, // it writes limits into its statements: no plan is generic
    }),
  ],
  grafserv: { graphqlPath: "/graphql", graphiql: false, websockets: false, watch: false },
  grafast: { explain: false },
});
const serve = instance.createServ(grafserv);
const server = createServer();
await serve.addTo(server);
const [answer] = server.listeners("request");
server.removeAllListeners("request");
server.on("request", (request, response) => {
  if (request.url === "/healthz") response.end('{"status":"ok"}');
  else answer(request, response);
});
server.listen(Number(process.env.PORT), "127.0.0.1");
