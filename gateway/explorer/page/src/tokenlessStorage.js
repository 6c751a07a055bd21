// localStorage for GraphiQL, without request headers: they hold tokens.
//
// shouldPersistHeaders={false} is not enough. GraphiQL's history (plugin-history 0.4) hands the headers of every run to
// its store, whatever that setting says. So every value is looked through on its way in, and on its way out for what an
// earlier version, or another GraphiQL on this host, has left behind.

const NEVER = /:(headers|shouldPersistHeaders)$/;

function withoutHeaders(text) {
  if (text === null || !text.includes('"headers"')) return text;
  try {
    return JSON.stringify(JSON.parse(text), (key, value) => (key === 'headers' ? null : value));
  } catch {
    return text; // A query's text, not a record: GraphiQL writes its records as JSON.
  }
}

export function tokenlessStorage(storage) {
  return {
    getItem: (key) => (NEVER.test(key) ? null : withoutHeaders(storage.getItem(key))),
    setItem(key, value) {
      if (NEVER.test(key)) storage.removeItem(key);
      else storage.setItem(key, withoutHeaders(value));
    },
    removeItem: (key) => storage.removeItem(key),
    clear() {
      for (const key of Object.keys(storage)) if (key.startsWith('graphiql:')) storage.removeItem(key);
    },
    get length() {
      return Object.keys(storage).filter((key) => key.startsWith('graphiql:')).length;
    },
  };
}
