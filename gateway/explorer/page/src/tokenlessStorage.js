// localStorage for GraphiQL, without request headers: they hold tokens.
//
// shouldPersistHeaders={false} is not enough. GraphiQL's history (plugin-history 0.4) hands the headers of every run to
// its store, whatever that setting says. So every value is looked through on its way in; and once, at the beginning,
// what another GraphiQL on this host may have left behind.

const OURS = 'graphiql:';
const NEVER = /:(headers|shouldPersistHeaders)$/;

function withoutHeaders(text) {
  if (!text.includes('"headers"')) return text;
  try {
    return JSON.stringify(JSON.parse(text), (key, value) => (key === 'headers' ? null : value));
  } catch {
    return text; // A query's text, not a record: GraphiQL writes its records as JSON.
  }
}

function keys() {
  return Object.keys(window.localStorage).filter((key) => key.startsWith(OURS));
}

// GraphiQL's storage; null, which it takes as none, where the browser allows no storage.
export function tokenlessStorage() {
  const tokenless = {
    getItem: (key) => window.localStorage.getItem(key),
    setItem(key, value) {
      if (NEVER.test(key)) window.localStorage.removeItem(key);
      else window.localStorage.setItem(key, withoutHeaders(value));
    },
    removeItem: (key) => window.localStorage.removeItem(key),
    clear: () => keys().forEach(tokenless.removeItem),
    get length() {
      return keys().length;
    },
  };
  try {
    for (const key of keys()) tokenless.setItem(key, tokenless.getItem(key));
    return tokenless;
  } catch {
    return null;
  }
}
