// The menu of examples: questions in an astronomer's words; one click fills the editor and runs the query.
import { useGraphiQL } from '@graphiql/react';

import { variablesText } from './examples.js';
import { useOpenQuery } from './openQuery.js';

function ExamplesIcon() {
  return (
    <svg viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="1.5" strokeLinejoin="round" aria-hidden="true">
      <path d="M12 3.5l1.9 5.3 5.6.2-4.4 3.5 1.5 5.4L12 14.8 7.4 17.9l1.5-5.4L4.5 9l5.6-.2z" />
      <path d="M4 21h16" strokeLinecap="round" />
    </svg>
  );
}

function ExamplesPanel({ examples }) {
  const openQuery = useOpenQuery(examples);
  const current = useGraphiQL(({ tabs, activeTabIndex }) => tabs[activeTabIndex]?.query?.trim());
  return (
    <section className="examples" aria-label="Example queries">
      <h2>Examples</h2>
      <p className="examples-hint">Choose a question: its query is put into the editor and run.</p>
      {examples.length === 0 && <p>This gateway has no examples.</p>}
      <ol>
        {examples.map(({ name, title, question, query, variables }) => (
          <li key={name}>
            <button
              type="button"
              aria-current={query.trim() === current}
              onClick={() => openQuery({ query, variables: variablesText(variables) }, { run: true })}
            >
              <strong>{title}</strong>
              <span>{question}</span>
            </button>
          </li>
        ))}
      </ol>
    </section>
  );
}

export function examplesPlugin(examples) {
  return { title: 'Examples', icon: ExamplesIcon, content: () => <ExamplesPanel examples={examples} /> };
}
