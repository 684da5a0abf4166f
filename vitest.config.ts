import { defineConfig } from 'vitest/config'

export default defineConfig({
  ssr: { resolve: { conditions: ['@glovebox/source'] } },
  resolve: { conditions: ['@glovebox/source'] },
  test: {
    include: ['packages/*/src/**/*.test.ts', 'test/**/*.test.ts'],
    exclude: ['**/*.slow.test.ts', '**/*.browser.test.ts', '**/node_modules/**', '**/dist/**'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // What `glovebox calibrate` measured on this machine is not for tests.
    env: { XDG_CONFIG_HOME: '/nonexistent' },
    // On two cores vitest would take one.
    maxWorkers: '100%',
  },
})
