import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { EnvName } from '#lib/base/env.ts'
import { startGithubStandIn } from '../mocks/github.ts'
import { startSlackStandIn } from '../mocks/slack.ts'
import type { StandIn } from '../mocks/stand-in.ts'
import { emptyPostgres } from './stores.ts'

const script = fileURLToPath(new URL('../../scripts/doctor.ts', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'prompt-relay-doctor-'))
const secrets = ['lf-whsec_planted0123456789', 'plantedToken', 'a planted password', 'standInSecret']
let slack: StandIn
let github: StandIn

beforeAll(async () => {
  slack = await startSlackStandIn()
  github = await startGithubStandIn()
})
afterAll(async () => {
  await Promise.all([slack.close(), github.close()])
  rmSync(folder, { recursive: true })
})

/** Runs it in a folder without a `.env`, with only these variables. */
function doctor(
  more: Partial<Record<EnvName | 'VERCEL', string>> = {},
): Promise<{ code: number; output: string }> {
  const env: Record<string, string | undefined> = {
    DATABASE_URL: `file:${join(folder, 'relay.db')}`,
    LANGFUSE_WEBHOOK_SECRET: secrets[0],
    // Without keys, Langfuse is asked only for the time.
    LANGFUSE_BASE_URL: 'http://127.0.0.1:1',
    PUBLIC_URL: 'https://relay.example.com',
    DASHBOARD_PASSWORD: secrets[2],
    SLACK_WEBHOOK_URL: slack.url,
    GITHUB_REPO: 'acme/prompts',
    GITHUB_TOKEN: secrets[1],
    GITHUB_API_URL: github.url,
    ...more,
  }
  return new Promise((done) => {
    execFile(
      process.execPath,
      [script],
      { cwd: folder, env: { NODE_ENV: 'production', ...env } },
      (error, out, err) =>
        done({ code: typeof error?.code === 'number' ? error.code : 0, output: out + err }),
    )
  })
}

describe('the doctor', () => {
  it('finds nothing wrong with a relay that is set up, prints plain text, and posts nothing', async () => {
    const { code, output } = await doctor()
    expect([code, output.match(/^ {2}problem .*/gm)]).toEqual([0, null])
    expect(output).toContain('not yet  slack: Slack was reached. Nothing has been delivered yet.')
    expect(output).toContain('not yet  github: GitHub shows acme/prompts. ')
    expect(output).toContain('ok       Database: SQLite: reached, up to date, and accepts writes.')
    expect(output).toContain('ok       Clock: As other servers have it.')
    expect(output).not.toContain('\u001b')
    expect([...slack.seen, ...github.seen].map(({ method }) => method)).toEqual(['GET', 'GET'])
  })

  it('names all problems of the configuration at once, each with an example', async () => {
    const { code, output } = await doctor({ SETTLE_MS: 'soon', GITHUB_TOKEN: '', CRON_SECRET: 'short' })
    expect(code).toBe(1)
    expect(output.match(/^ {2}problem .*\n {11}→ Example: /gm)).toHaveLength(3)
  })

  it.skipIf(process.env.TEST_POSTGRES_URL === undefined)(
    'names the encoding of a Postgres database that is not UTF8, and how to create one that is',
    async () => {
      const { url, drop } = await emptyPostgres(
        "encoding 'LATIN1' lc_collate 'C' lc_ctype 'C' template template0",
      )
      const { code, output } = await doctor({ DATABASE_URL: url })
      expect(code).toBe(1)
      expect(output).toMatch(
        /problem {2}Database: Not usable: .* has the encoding LATIN1.*\n {11}→ Make a new one .* encoding 'UTF8'/,
      )
      await drop()
    },
  )

  it('reports a store that is out of reach, and still checks the targets', async () => {
    const url = 'postgres://relay:plantedToken@127.0.0.1:1/relay'
    const { code, output } = await doctor({ DATABASE_URL: url, SLACK_WEBHOOK_URL: `${slack.url}0` })
    expect(code).toBe(1)
    expect(output).toMatch(
      /problem {2}Database: Not usable: connect ECONNREFUSED 127\.0\.0\.1:1\.\n {11}→ Check DATABASE_URL/,
    )
    expect(output).toMatch(
      /problem {2}slack: Slack answered 404 no_service\.\n {11}→ The webhook was removed/,
    )
    expect(output).toContain('ok       github: GitHub shows acme/prompts.')
  })

  it.each([
    ['a folder', () => folder, /must be a file, not a folder/],
    ['no database', () => script, /must be an SQLite database/],
    ['in no folder that can be made', () => join(script, 'data', 'relay.db'), /its folder must exist/],
  ])('speaks of a file, and of no host or password, where DATABASE_URL is %s', async (_, path, fix) => {
    const { code, output } = await doctor({ DATABASE_URL: `file:${path()}` })
    expect(code).toBe(1)
    const [found = ''] = /problem {2}Database: .*\n.*/.exec(output) ?? []
    expect(found).toMatch(fix)
    expect(found).not.toMatch(/host|password/)
  })

  it('does not call a wrong setting unset', async () => {
    const { output } = await doctor({
      SLACK_WEBHOOK_URL: 'hooks.slack.com/services/T0/B0/planted',
      DASHBOARD_PASSWORD: 'short',
      CALLBACK_TOKEN: 'short',
      LANGFUSE_PUBLIC_KEY: 'sk-lf-planted',
      LANGFUSE_SECRET_KEY: 'pk-lf-planted',
      PUBLIC_URL: 'relay.example.com',
    })
    const wrong =
      'SLACK_WEBHOOK_URL|DASHBOARD_PASSWORD|CALLBACK_TOKEN|LANGFUSE_(PUBLIC|SECRET)_KEY|PUBLIC_URL'
    expect(output).not.toMatch(new RegExp(`Set (${wrong})\\b`))
    expect(output.match(/There is a problem with .*: see Configuration\./g)).toHaveLength(6)
    expect(output).toContain('Mode: Held: events are stored, but nothing is settled or sent.')
  })

  it('says what kind of store Vercel needs', async () => {
    const { code, output } = await doctor({ VERCEL: '1' })
    expect(code).toBe(1)
    expect(output).toMatch(/DATABASE_URL is not a Postgres URL: on Vercel/)
  })

  it('prints no secret, whatever it finds', async () => {
    for (const more of [{}, { SETTLE_MS: 'soon' }, { GITHUB_API_URL: 'http://127.0.0.1:1' }]) {
      const { output } = await doctor(more)
      expect(output).toContain('Configuration')
      for (const secret of secrets) expect(output).not.toContain(secret)
    }
  })
})
