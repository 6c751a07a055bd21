// The page's beginning: what must be known before the editor opens (examples, a shared query), then the editor.
import 'graphiql/setup-workers/vite';
import 'graphiql/style.css';
import '@graphiql/plugin-explorer/style.css';
import './page.css';

import { createRoot } from 'react-dom/client';

import { App } from './App.jsx';
import { fetchExamples } from './examples.js';
import { takeSharedQuery } from './shareLink.js';

const shared = takeSharedQuery();
const examples = await fetchExamples();
createRoot(document.getElementById('page')).render(<App examples={examples} shared={shared} />);
