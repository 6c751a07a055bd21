// Putting a query into the editor, and running it.
import { pick, useGraphiQL, useGraphiQLActions } from '@graphiql/react';
import { parse } from 'graphql';

import { isOwnWork } from './examples.js';

// GraphiQL learns a document's operations 100 ms after it changes; a run before that would name the operation of the
// document before. So they are told at once.
function operationFacts(query) {
  const documentAST = parse(query);
  const operations = documentAST.definitions.filter(({ kind }) => kind === 'OperationDefinition');
  return { documentAST, operations, operationName: operations[0]?.name?.value };
}

// openQuery({query, variables}, {run}): in the open tab, or in a new one where the open tab holds a person's own work.
export function useOpenQuery(examples) {
  const { queryEditor, variableEditor, headerEditor, responseEditor } = useGraphiQL(
    pick('queryEditor', 'variableEditor', 'headerEditor', 'responseEditor'),
  );
  const actions = useGraphiQLActions();
  return ({ query, variables }, { run }) => {
    if (!queryEditor || !responseEditor) return;
    actions.stop();
    if (isOwnWork(queryEditor.getValue(), examples)) {
      const headers = headerEditor?.getValue() ?? '';
      actions.addTab();
      headerEditor?.setValue(headers); // A new tab would begin without the token.
    }
    queryEditor.setValue(query);
    queryEditor.setScrollTop(0);
    variableEditor?.setValue(variables);
    responseEditor.setValue('');
    responseEditor.setScrollTop(0); // The next answer would begin where the last one was left.
    try {
      const facts = operationFacts(query);
      actions.setOperationFacts(facts);
      actions.updateActiveTabValues({ query, variables, operationName: facts.operationName ?? null });
    } catch {
      return; // No GraphQL: the editor marks the place.
    }
    if (run) actions.run();
  };
}
