// The page's heading: what this is, a link to what is in the editor, the schema.
import { pick, useGraphiQL } from '@graphiql/react';
import { useEffect, useState } from 'react';
import { createPortal } from 'react-dom';

import { useOpenQuery } from './openQuery.js';
import { shareLink, takeSharedQuery } from './shareLink.js';

const SAID_FOR = 2500; // milliseconds

function CopyLink() {
  const { queryEditor, variableEditor } = useGraphiQL(pick('queryEditor', 'variableEditor'));
  const [said, say] = useState('');
  useEffect(() => {
    const timer = said && setTimeout(() => say(''), SAID_FOR);
    return () => clearTimeout(timer);
  }, [said]);

  async function copy() {
    const link = shareLink({ query: queryEditor?.getValue() ?? '', variables: variableEditor?.getValue() ?? '' });
    try {
      await navigator.clipboard.writeText(link);
      say('Link copied');
    } catch {
      window.history.replaceState(null, '', link); // No clipboard here (plain http): the address bar has one.
      say('Link is in the address bar');
    }
  }

  return (
    <button type="button" onClick={copy} title="A link to this query and its variables. Headers are never in it.">
      <span aria-live="polite">{said || 'Copy link'}</span>
    </button>
  );
}

export function Heading({ examples }) {
  const openQuery = useOpenQuery(examples);
  useEffect(() => {
    // A shared link pasted into this page's own address bar loads nothing anew.
    const follow = () => {
      const shared = takeSharedQuery();
      if (shared) openQuery(shared, { run: false });
    };
    window.addEventListener('hashchange', follow);
    return () => window.removeEventListener('hashchange', follow);
  });
  return createPortal(
    <>
      <h1>Butler gateway</h1>
      <p>Ask Rubin Butler repositories, in GraphQL</p>
      <nav aria-label="This gateway">
        <CopyLink />
        <a href="schema.graphql" target="_blank" rel="noopener">
          schema.graphql
        </a>
      </nav>
    </>,
    document.getElementById('heading'),
  );
}
