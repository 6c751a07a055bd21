// Apollo Server 5 on fastify 5, relations by DataLoader. Parsed documents are cached, as by default; nothing is reported.
import { ApolloServer } from "@apollo/server";
import fastifyApollo from "@as-integrations/fastify";
import DataLoader from "dataloader";
import fastify from "fastify";
import { flatsOf, rawsOf, resolvers, typeDefs } from "./tables.mjs";

const server = new ApolloServer({
  typeDefs,
  introspection: false,
  resolvers: {
    ...resolvers,
    Raw: { flat: (raw, _, { flatOf }) => flatOf.load(raw) },
    Flat: { raws: (flat, { first }, { rawsOfFlat }) => rawsOfFlat(first).load(flat) },
  },
});
await server.start();

const opts = { cache: false, maxBatchSize: Infinity };
const app = fastify();
await app.register(fastifyApollo(server), {
  context: async () => {
    const lists = new Map(); // one loader for each length that is asked for
    return {
      flatOf: new DataLoader(flatsOf, opts),
      rawsOfFlat(first) {
        if (!lists.has(first)) lists.set(first, new DataLoader((found) => rawsOf(found, first), opts));
        return lists.get(first);
      },
    };
  },
});
app.get("/healthz", async () => ({ status: "ok" }));
await app.listen({ host: "127.0.0.1", port: Number(process.env.PORT) });
