import { defineConfig } from 'vitest/config'

/** Real parameters and long runs: `npm run test:slow`. */
export default defineConfig({
  ssr: { resolve: { conditions: ['@glovebox/source'] } },
  resolve: { conditions: ['@glovebox/source'] },
  test: {
    include: ['**/*.slow.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**'],
    testTimeout: 600_000,
    maxWorkers: '100%',
  },
})
