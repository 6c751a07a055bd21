// A link to a query: #query=...&variables=... The part after # is never sent to any server. Headers are never in it.

export function shareLink({ query, variables }) {
  const words = new URLSearchParams({ query });
  if (variables.trim()) words.set('variables', variables);
  const link = new URL(document.baseURI);
  link.hash = words.toString();
  return link.href;
}

// The query of this page's address, taken out of the address so that a reload keeps what has been edited since.
// It is shown, not run: what runs is for the person at the page to decide.
export function takeSharedQuery() {
  const words = new URLSearchParams(window.location.hash.slice(1));
  const query = words.get('query');
  if (!query) return null;
  window.history.replaceState(null, '', window.location.pathname + window.location.search);
  return { query, variables: words.get('variables') ?? '' };
}
