// Mercurius 16 on fastify 5: queries compiled by graphql-jit from their first use on, relations by its own batching loaders.
// The loaders' cache is off: each parent occurs once, and its keys would have to be serialised.
import fastify from "fastify";
import mercurius from "mercurius";
import { flatsOf, rawsOf, resolvers, typeDefs } from "./tables.mjs";

const opts = { cache: false };
const parents = (asked) => asked.map(({ obj }) => obj);

const app = fastify();
app.register(mercurius, {
  schema: typeDefs,
  jit: 1,
  resolvers,
  loaders: {
    Raw: { flat: { loader: (asked) => flatsOf(parents(asked)), opts } },
    Flat: { raws: { loader: (asked) => rawsOf(parents(asked), asked[0].params.first), opts } },
  },
});
app.get("/healthz", async () => ({ status: "ok" }));
await app.listen({ host: "127.0.0.1", port: Number(process.env.PORT) });
