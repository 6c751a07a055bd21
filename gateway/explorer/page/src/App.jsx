// GraphiQL with what this gateway adds: examples, a heading, a shared link, how long an answer took.
import { explorerPlugin } from '@graphiql/plugin-explorer';
import { pick, useGraphiQL } from '@graphiql/react';
import { GraphiQL, HISTORY_PLUGIN } from 'graphiql';
import { useEffect, useMemo } from 'react';

import { AnswerStatus } from './AnswerStatus.jsx';
import { starterQuery } from './examples.js';
import { examplesPlugin } from './ExamplesPanel.jsx';
import { fetcher } from './fetcher.js';
import { Heading } from './Heading.jsx';
import { tokenlessStorage } from './tokenlessStorage.js';

const storage = tokenlessStorage();

// The question above a query is prose: it should be read to its end, not scrolled sideways. And an answer is long.
function EditorOptions() {
  const editors = useGraphiQL(pick('queryEditor', 'variableEditor', 'headerEditor', 'responseEditor'));
  useEffect(() => {
    for (const editor of Object.values(editors)) editor?.updateOptions({ wordWrap: 'on', fontSize: 13 });
  }, [editors]);
  return null;
}

export function App({ examples, shared }) {
  const [menu, plugins] = useMemo(() => {
    const menu = examplesPlugin(examples);
    return [menu, [menu, explorerPlugin(), HISTORY_PLUGIN]];
  }, [examples]);
  const starter = starterQuery(examples);
  return (
    <GraphiQL
      fetcher={fetcher}
      // Headers hold tokens. This keeps GraphiQL's editor from storing them; its history needs the storage below.
      shouldPersistHeaders={false}
      storage={storage}
      plugins={plugins}
      visiblePlugin={menu}
      defaultEditorToolsVisibility
      // The first visit's tab is made of defaultTabs; a later one, with tabs stored, adds a tab for initialQuery.
      defaultTabs={[shared ?? starter]}
      initialQuery={shared?.query}
      initialVariables={shared?.variables}
    >
      <GraphiQL.Logo>
        <span />
      </GraphiQL.Logo>
      <GraphiQL.Footer>
        <AnswerStatus />
      </GraphiQL.Footer>
      <EditorOptions />
      <Heading examples={examples} />
    </GraphiQL>
  );
}
