import { defineConfig } from 'vite'

export default defineConfig({
  root: import.meta.dirname,
  resolve: { conditions: ['@glovebox/source', 'browser', 'module'] },
  worker: { format: 'es' },
  build: {
    target: 'es2023',
    // light-dark() as it is: what lowers it breaks the toggle.
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    // A picture as a data: address would be one more thing that the page's policy has to allow.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
})
