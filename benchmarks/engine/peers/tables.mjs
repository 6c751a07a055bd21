// What Mercurius and Apollo share: connections to PostgreSQL, the statements of benchmarks/engine/batches.py, and a schema. Both
// answer with the same rows and differ in nothing but the GraphQL server.
import pg from "pg";
import { GraphQLScalarType } from "graphql";

const statements = JSON.parse(process.env.ENGINE_STATEMENTS);

pg.types.setTypeParser(pg.types.builtins.INT8, Number); // ids of exposures stay below 2^53

// Pages are planned with their values, the look-up by id once, as in the floor. Statements are prepared: they have names.
const pool = (plans) => new pg.Pool({ max: 8, min: 8, options: `-c plan_cache_mode=${plans} -c jit=off` });
const pages = pool("force_custom_plan");
const lookUps = pool("auto");

const rows = async (from, name, values) => (await from.query({ name, text: statements[name], values })).rows;

export const raws = (first) => rows(pages, "raws", [first]);
export const flats = (first) => rows(pages, "flats", [first]);
export const one = async (id) => (await rows(lookUps, "one", [id]))[0] ?? null;

const columns = (parents, names) => names.map((name) => parents.map((parent) => parent[name]));

// The flat of each of these raws, or null.
export async function flatsOf(parents) {
  const found = new Array(parents.length).fill(null);
  const keys = columns(parents, ["instrument", "detector", "exposure"]);
  for (const row of await rows(pages, "flatsOf", keys)) found[row.n - 1] = row;
  return found;
}

// The first raws of each of these flats, as lists.
export async function rawsOf(parents, first) {
  const found = parents.map(() => []);
  const keys = columns(parents, ["instrument", "detector", "physicalFilter", "begin", "end"]);
  for (const row of await rows(pages, "rawsOf", [...keys, first])) found[row.n - 1].push(row);
  return found;
}

export const typeDefs = `
  scalar Long
  type Query { raws(first: Int!): [Raw!]!  flats(first: Int!): [Flat!]!  raw(id: ID!): Raw }
  type Raw {
    uuid: ID!  run: String!  type: String!  instrument: String!  exposure: Long!  detector: Long!  physicalFilter: String!
    begin: String!  flat: ValidFlat
  }
  type ValidFlat { uuid: ID!  run: String!  collection: String!  begin: String!  end: String! }
  type Flat { uuid: ID!  run: String!  physicalFilter: String!  detector: Long!  raws(first: Int!): [Raw!]! }
`;

export const resolvers = {
  Long: new GraphQLScalarType({ name: "Long", serialize: (value) => value }),
  Query: {
    raws: (_, { first }) => raws(first),
    flats: (_, { first }) => flats(first),
    raw: (_, { id }) => one(id),
  },
};
