import { defineConfig } from 'vitest/config'

/** Needs Chromium: `apt-get install chromium`, or CHROMIUM=/path/to/it. */
export default defineConfig({
  ssr: { resolve: { conditions: ['@glovebox/source'] } },
  test: { include: ['test/**/*.browser.test.ts'], testTimeout: 60_000 },
})
