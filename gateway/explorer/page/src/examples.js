// The example queries: {name, title, question, query, variables}, from the gateway itself, so that they change without a build.

const NONE = '# Ask the Butler gateway.\n# Press Ctrl-Space for what can be asked here, Ctrl-Enter to run.\n\n{\n  repositories {\n    name\n    description\n  }\n}\n';

// Never fails: without examples the page still has its editor.
export async function fetchExamples() {
  try {
    const answer = await fetch(new URL('examples.json', document.baseURI));
    if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
    return (await answer.json()).examples;
  } catch (error) {
    console.warn('The examples could not be read:', error);
    return [];
  }
}

export function variablesText(variables) {
  return variables && Object.keys(variables).length > 0 ? JSON.stringify(variables, null, 2) : '';
}

// What a first visitor finds in the editor.
export function starterQuery(examples) {
  const [first] = examples;
  return first ? { query: first.query, variables: variablesText(first.variables) } : { query: NONE };
}

// Whether this text is a person's own, which a click on an example must not wipe out.
export function isOwnWork(text, examples) {
  const written = text.trim();
  return written !== '' && written !== NONE.trim() && !examples.some(({ query }) => query.trim() === written);
}
