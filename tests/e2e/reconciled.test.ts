import type { Browser, BrowserContextOptions } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ChangeDetail } from '#lib/core/change/change.ts'
import { type App, dataFolder, startApp } from '../app.ts'
import { launchChromium } from './chromium.ts'
import { projectId, seedPrompts } from './prompt-seed.ts'
import { type Seed, type Seeded, seedStore } from './seed.ts'
import { hostileName } from './team-week.ts'
import { fits, isAccessible, looksAt, password, type SignedIn, signedIn } from './visit.ts'

const data = dataFolder()
let app: App
let browser: Browser
let state: SignedIn
let seeded: Seeded[]

const minute = 60_000
const subject = 'support/refund-reply'
const promptOf = (
  version: number,
  labels: string[],
  labelsBefore: string[] | null,
): ChangeDetail['prompt'] => ({
  ...{ version, labels, labelsBefore, tags: ['support'], promptType: 'text' },
  ...{ commitMessage: null, createdBy: 'clu_maya', eventId: null },
})

/** The newest last: a promotion that was found, one whose webhook came after all, that webhook, and one of many versions. */
const seeds = (now: number): Seed[] => [
  {
    ago: 95,
    kind: 'promoted',
    subject,
    version: 7,
    title: `${subject} v7 was promoted to production, was v6`,
    detail: {
      facts: [{ kind: 'promoted', label: 'production', from: 6, to: 7 }],
      prompt: promptOf(7, ['latest', 'production'], ['latest']),
      reconciled: {
        from: now - 120 * minute,
        to: now - 100 * minute,
        versions: [
          {
            version: 7,
            before: { labels: ['latest'], tags: ['support'] },
            after: { labels: ['latest', 'production'], tags: ['support', 'eu'] },
          },
          {
            version: 6,
            before: { labels: ['production'], tags: ['support'] },
            after: { labels: [], tags: ['support', 'eu'] },
          },
          { version: 5, before: { labels: [], tags: [] }, after: null },
        ],
      },
    },
  },
  {
    ago: 60,
    kind: 'version-created',
    subject,
    version: 8,
    title: `${subject} v8 was created`,
    detail: {
      facts: [{ kind: 'version-created', version: 8, labels: ['latest'] }],
      prompt: promptOf(8, ['latest'], null),
      reconciled: {
        from: null,
        to: now - 70 * minute,
        versions: [{ version: 8, before: null, after: { labels: ['latest'], tags: [] } }],
        late: { by: `Maya ${hostileName}`, at: now - 70 * minute, changeId: 'chg_late' },
      },
    },
  },
  {
    ago: 40,
    kind: 'unchanged',
    subject,
    version: 8,
    title: `Nothing visible changed on ${subject} v8`,
    detail: {
      facts: [{ kind: 'unchanged' }],
      prompt: promptOf(8, ['latest'], ['latest']),
      foundBefore: { changeId: 'chg_found', title: `${subject} v8 was created ${hostileName}` },
    },
  },
  {
    ago: 20,
    kind: 'tags-changed',
    subject: 'router/intent-classifier',
    version: 90,
    title: 'router/intent-classifier was tagged with eu',
    detail: {
      facts: [{ kind: 'tags-changed', added: ['eu'], removed: [] }],
      prompt: promptOf(
        90,
        Array.from({ length: 30 }, (_, i) => `label-${i}`),
        null,
      ),
      reconciled: {
        from: now - 3 * 24 * 60 * minute,
        to: now - 25 * minute,
        versions: Array.from({ length: 20 }, (_, i) => ({
          version: 90 - i,
          before: { labels: Array.from({ length: 30 }, (_, n) => `label-${n}`), tags: [hostileName] },
          after: { labels: ['x'.repeat(36)], tags: ['eu', 't'.repeat(300)] },
        })),
        omitted: 70,
      },
    },
  },
]

beforeAll(async () => {
  const now = Date.now()
  seeded = await seedStore(data.url, seeds(now), now)
  await seedPrompts(
    data.url,
    [{ name: subject, project: projectId, versions: [{ version: 7, ago: 100 }] }],
    now,
  )
  app = await startApp({ DATABASE_URL: data.url, DASHBOARD_PASSWORD: password })
  browser = await launchChromium()
  state = await signedIn(browser, app)
})

afterAll(async () => {
  await browser.close()
  await app.stop()
  data.remove()
})

const look = looksAt(() => ({ browser, app, state }))
const changePath = (index: number) => `/changes/${seeded[index]?.changeId}`

const views: [string, BrowserContextOptions][] = [
  ['in light', { colorScheme: 'light', viewport: { width: 1440, height: 900 } }],
  ['in dark', { colorScheme: 'dark', viewport: { width: 1440, height: 900 } }],
  ['on a phone', { colorScheme: 'light', viewport: { width: 390, height: 844 } }],
]

describe.each(views)('a change that no webhook reported, %s,', (name, options) => {
  it.each([
    ['alone', () => changePath(0)],
    ['whose webhook came later', () => changePath(1)],
    ['as that webhook shows it', () => changePath(2)],
    ['with very many versions and labels', () => changePath(3)],
    ['in the list', () => '/'],
    ['among those of its prompt', () => `/prompts/${subject}`],
  ])('has no accessibility violation, no console error and no sideways scrolling: %s', async (what, path) => {
    await look(
      path(),
      async ({ page }) => {
        if (process.env.SHOTS)
          await page.screenshot({ path: `/tmp/shots/${name} ${what}.png`, fullPage: true })
        await isAccessible(page)
        await fits(page)
      },
      options,
    )
  })
})

describe('the page of a change that no webhook reported', () => {
  it('says when it happened, and what the relay knew and what Langfuse says of each version', async () => {
    await look(changePath(0), async ({ page }) => {
      const section = page.getByRole('region', { name: 'Found by comparing with Langfuse' })
      expect(await section.innerText()).toMatch(
        /No webhook came\. It happened between [\d-]+ \d\d:\d\d and .*\d\d:\d\d UTC and was found at [\d-]+ [\d:]+ UTC\./,
      )
      const rows = section.getByRole('row')
      expect(await rows.nth(1).innerText()).toMatch(
        /v7\s+.*latest\s+.*support\s+.*production\s+latest\s+.*support, eu/s,
      )
      expect(await rows.nth(2).innerText()).toMatch(/v6\s+.*production\s+.*no label/s)
      expect(await rows.nth(3).innerText()).toMatch(/v5\s+.*no label\s+.*no such version/s)
      const who = page.locator('dt', { hasText: 'Who' }).locator('+ dd')
      expect(await who.innerText()).toBe('unknown')
    })
  })

  it('names who did it and when once its webhook has come, and leads to that', async () => {
    await look(changePath(1), async ({ page }) => {
      const section = page.getByRole('region', { name: 'Found by comparing with Langfuse' })
      expect(await section.innerText()).toMatch(/No webhook came in time\. It happened before .* UTC/)
      expect(await section.innerText()).toMatch(
        /Its webhook came later: it was done by Maya .* at [\d-]+ [\d:]+ UTC\./s,
      )
      const link = section.getByRole('link', { name: 'Its webhook came later' })
      expect(await link.getAttribute('href')).toBe('/changes/chg_late')
      const who = page.locator('dt', { hasText: 'Who' }).locator('+ dd')
      expect(await who.innerText()).toContain('Maya')
    })
  })

  it('of that webhook leads back to the change that had been found', async () => {
    await look(changePath(2), async ({ page }) => {
      const section = page.getByRole('region', { name: 'Came late' })
      const link = section.getByRole('link')
      expect(await link.getAttribute('href')).toBe('/changes/chg_found')
      expect(await section.innerText()).toContain('they are not notified again')
    })
  })
})

it('is marked in the list and on the page of its prompt, where other changes are not', async () => {
  await look('/', async ({ page }) => {
    const rows = page.getByRole('row')
    expect(await rows.filter({ hasText: 'found by comparing' }).count()).toBe(3)
    expect(await rows.filter({ hasText: 'Unchanged' }).innerText()).not.toContain('found by comparing')
  })
  await look(`/prompts/${subject}`, async ({ page }) => {
    const table = page.getByRole('table', { name: /Changes of this prompt/ })
    expect(await table.getByRole('row').filter({ hasText: 'found by comparing' }).count()).toBe(2)
  })
})
