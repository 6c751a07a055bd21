// Requests to the gateway that serves this page, and to nowhere else.
import { createGraphiQLFetcher } from '@graphiql/toolkit';

import { recordAnswer } from './AnswerStatus.jsx';

// Beside the page, not at the root of the host: a proxy may serve both under a path.
const url = new URL('graphql', document.baseURI).href;

async function timedFetch(address, options) {
  const begin = performance.now();
  const answer = await fetch(address, options);
  recordAnswer({ status: answer.status, milliseconds: performance.now() - begin });
  return answer;
}

const plain = { url, enableIncrementalDelivery: false };

export const fetcher = createGraphiQLFetcher({
  ...plain,
  fetch: timedFetch,
  schemaFetcher: createGraphiQLFetcher({ ...plain }),
});
