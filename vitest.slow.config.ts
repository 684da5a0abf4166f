import { defineConfig } from 'vitest/config'

/** Real parameters and long runs: `npm run test:slow`. */
export default defineConfig({
  ssr: { resolve: { conditions: ['@glovebox/source'] } },
  resolve: { conditions: ['@glovebox/source'] },
  test: {
    include: ['**/*.slow.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**'],
    testTimeout: 600_000,
    hookTimeout: 600_000,
    // What `glovebox calibrate` measured on this machine is not for tests.
    env: { XDG_CONFIG_HOME: '/nonexistent' },
    maxWorkers: '100%',
  },
})
