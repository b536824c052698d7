import { defineConfig } from 'vitest/config'

const project = (name: string, over: object = {}) => ({
  test: {
    name,
    environment: 'node' as const,
    restoreMocks: true,
    // A test in which no assertion ran, because a list was empty, say, has failed.
    expect: { requireAssertions: true },
    include: [`tests/${name}/**/*.test.ts`],
    ...over,
  },
})

/** Of whole servers, mostly with a browser before them. */
const apps = {
  globalSetup: 'tests/e2e/build.ts',
  testTimeout: 60_000,
  hookTimeout: 120_000,
  // Assertions are not required: Playwright's `waitFor` is one, too.
  expect: { poll: { timeout: 10_000 } },
}

/** What puts an app under load, or looks at how quick it is, and so has the machine for itself. */
const alone = ['attacks', 'callback-flood', 'crash', 'disk-full', 'live', 'main-job', 'store-gone'].map(
  (name) => `tests/e2e/${name}.test.ts`,
)

export default defineConfig({
  test: {
    // What the code under test logs is shown only where a test fails.
    silent: 'passed-only',
    projects: [
      // Properties over thousands of random cases take seconds each, and several times as long on a busy machine.
      project('unit', { testTimeout: 30_000 }),
      project('integration', { testTimeout: 30_000 }),
      project('e2e', { ...apps, exclude: alone, maxWorkers: 2, sequence: { groupOrder: 1 } }),
      project('e2e', {
        ...apps,
        name: 'e2e-alone',
        include: alone,
        maxWorkers: 1,
        sequence: { groupOrder: 2 },
      }),
    ],
  },
})
