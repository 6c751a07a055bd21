import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

// base './': the page works under whatever path a proxy gives it.
// emptyOutDir: gateway/explorer/build.py names a folder outside this one.
export default defineConfig({
  base: './',
  plugins: [react()],
  worker: { format: 'es' },
  build: {
    outDir: '../dist',
    emptyOutDir: true,
    target: 'es2022',
    // Monaco, the editor, is one lump of this size by its own design.
    chunkSizeWarningLimit: 6000,
  },
});
