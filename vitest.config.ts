import { defineConfig } from 'vitest/config'

const project = (name: string, over: object = {}) => ({
  test: {
    name,
    environment: 'node' as const,
    restoreMocks: true,
    include: [`tests/${name}/**/*.test.ts`],
    ...over,
  },
})

export default defineConfig({
  test: {
    // What the code under test logs is shown only where a test fails.
    silent: 'passed-only',
    projects: [
      project('unit'),
      project('integration', { testTimeout: 30_000 }),
      // One app at a time: each is a whole server, some with a browser before it.
      project('e2e', {
        globalSetup: 'tests/e2e/build.ts',
        fileParallelism: false,
        testTimeout: 60_000,
        hookTimeout: 120_000,
      }),
    ],
  },
})
