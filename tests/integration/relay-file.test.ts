import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import type { Problem } from '#lib/base/problem.ts'
import { defineRelay } from '#lib/config.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'prompt-relay-file-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** Loads it as Node does for the doctor and the build. */
function problemsOf(text: string): Problem[] {
  const path = join(folder, 'relay.config.ts')
  writeFileSync(path, text)
  const script = `
    import { readWith } from '${pathToFileURL(join(root, 'scripts/relay-file.ts')).href}'
    const { problems } = await readWith(() => import('${pathToFileURL(path).href}'), { SETTLE_MS: 'soon' })
    console.log(JSON.stringify(problems))`
  return JSON.parse(
    execFileSync(process.execPath, ['--input-type=module', '-e', script], { cwd: root, encoding: 'utf8' }),
  )
}

describe('a relay.config.ts that cannot be loaded', () => {
  it.each([
    [
      "export default () => ({\n  targets: {}, rules: [['planted',\n})",
      /^cannot be loaded: SyntaxError in line \d$/,
    ],
    [
      "import { x } from './planned.ts'\nexport default x",
      /^cannot be loaded: Cannot find module .*planned\.ts/,
    ],
    ["throw new Error('planted')", /^cannot be loaded: Error in line 1$/],
    ['export const relay = () => ({ targets: {}, rules: [] })', /^has no function as its default export$/],
    ['export default { targets: {}, rules: [] }', /^has no function as its default export$/],
  ])('is a problem beside those of the variables, and none of its code is quoted: %s', (text, what) => {
    const problems = problemsOf(text)
    expect(problems.map(({ name }) => name)).toEqual(['relay.config.ts', 'SETTLE_MS'])
    expect(problems[0]?.what).toMatch(what)
    expect(JSON.stringify(problems)).not.toContain('planted')
  })

  it('is read if it is valid', () => {
    const problems = problemsOf('export default () => ({ targets: {}, rules: [] })')
    expect(problems.map(({ name }) => name)).toEqual(['SETTLE_MS'])
  })
})

describe('the relay.config.ts of an operator', () => {
  it('has one import, whose name does not change when files move', () => {
    expect(defineRelay).toBeTypeOf('function')
    const text = readFileSync(join(root, 'relay.config.ts'), 'utf8')
    expect(text.match(/^import .*/gm)).toEqual(["import { defineRelay } from '#lib/config.ts'"])
  })
})
