// The menu of examples: questions in an astronomer's words; one click fills the editor and runs the query.
import { useGraphiQL, useGraphiQLActions } from '@graphiql/react';

import { variablesText } from './examples.js';
import { useOpenQuery } from './openQuery.js';

// Where page.css puts the menu above the editor and the answer.
const onTelephone = window.matchMedia('(width <= 720px)');

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
  const { setVisiblePlugin } = useGraphiQLActions();
  const current = useGraphiQL(({ tabs, activeTabIndex }) => tabs[activeTabIndex]?.query?.trim());

  function choose({ query, variables }) {
    openQuery({ query, variables: variablesText(variables) }, { run: true });
    if (onTelephone.matches) setVisiblePlugin(null); // The answer would be below the screen.
  }

  return (
    <section className="examples" aria-label="Example queries">
      <h2>Examples</h2>
      <p className="examples-hint">Choose a question: its query is put into the editor and run.</p>
      {examples.length === 0 && <p>This gateway has no examples.</p>}
      <ol>
        {examples.map((example) => (
          <li key={example.name}>
            <button type="button" aria-current={example.query.trim() === current} onClick={() => choose(example)}>
              <strong>{example.title}</strong>
              <span>{example.question}</span>
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
