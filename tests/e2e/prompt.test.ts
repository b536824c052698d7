import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { promptPath } from '../../app/(dashboard)/_words/prompt-path.ts'
import { type App, dataFolder, startApp } from '../app.ts'
import { launchChromium } from './chromium.ts'
import { oddNames, projectId, prompts, refundDifference, seedPrompts } from './prompt-seed.ts'
import { move, type Seeded, seedStore } from './seed.ts'
import { hostileName } from './team-week.ts'
import { fits, isAccessible, looksAt, password, type SignedIn, signedIn } from './visit.ts'

const data = dataFolder()
let app: App
let browser: Browser
let state: SignedIn
let promotion: Seeded | undefined

const refund = '/prompts/support/refund-reply'
const chat = promptPath('movie-critic/chat 🎬')

const promoted = (ago: number) => ({
  ago,
  kind: 'promoted' as const,
  subject: 'support/refund-reply',
  title: 'Maya Okonkwo promoted support/refund-reply v7 to production, was v6',
  version: 7,
  actor: 'Maya Okonkwo',
  detail: { ...move('production', 6, 7), difference: refundDifference() },
})

beforeAll(async () => {
  const now = Date.now()
  const tagged = { kind: 'tags-changed' as const, subject: 'many', title: 'Someone tagged many' }
  const seeded = await seedStore(
    data.url,
    [
      promoted(3),
      { ...promoted(17), kind: 'version-created' },
      { ago: 20, kind: 'alert', subject: 'support/refund-reply', title: 'Alert: support/refund-reply' },
      ...Array.from({ length: 45 }, (_, i) => ({ ...tagged, ago: 30 + i, actor: `Person ${i}` })),
    ],
    now,
  )
  promotion = seeded[0]
  await seedPrompts(data.url, prompts, now)
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

const withoutScript = { javaScriptEnabled: false }
const lines = (page: Page) => page.getByRole('group', { name: 'Difference of the texts' })
const choice = (page: Page, name: string) => page.getByRole('combobox', { name, exact: true })
const heading = (page: Page) => page.getByRole('heading', { level: 1 }).textContent()

const views: [string, BrowserContextOptions][] = [
  ['in light', { colorScheme: 'light', viewport: { width: 1440, height: 900 } }],
  ['in dark', { colorScheme: 'dark', viewport: { width: 1440, height: 900 } }],
  ['on a phone', { colorScheme: 'light', viewport: { width: 390, height: 844 } }],
]

const paths: [string, () => string][] = [
  ['a prompt', () => refund],
  ['a prompt side by side', () => `${refund}?view=split`],
  ['a chat prompt side by side', () => `${chat}?view=split`],
  ['a hostile prompt', () => promptPath(hostileName)],
  ['a prompt of two projects', () => '/prompts/greeting'],
  ['an unknown prompt', () => '/prompts/unknown'],
  ['a change with its whole difference', () => `/changes/${promotion?.changeId}`],
  ['a change side by side', () => `/changes/${promotion?.changeId}?view=split`],
]

describe.each(views)('%s', (_view, options) => {
  it.each(paths)(
    '%s has no accessibility violation, no console error and no sideways scrolling',
    async (_what, path) => {
      await look(
        path(),
        async ({ page }) => {
          for (const summary of await page.locator('summary').all()) await summary.click()
          await isAccessible(page)
          await fits(page)
        },
        options,
      )
    },
  )
})

describe('the page of a prompt', () => {
  it.each([...oddNames, hostileName])(
    'called %j is found by its address, its form and its links',
    async (name) => {
      await look(
        promptPath(name),
        async ({ page }) => {
          const shown = name.replaceAll(/\p{Cc}|\p{Cf}/gu, codeOf)
          expect(await heading(page)).toBe(shown)
          await page.getByRole('button', { name: 'Compare' }).click()
          expect(await heading(page)).toBe(shown)
          await page.getByRole('link', { name: 'Swap' }).click()
          expect(await heading(page)).toBe(shown)
        },
        withoutScript,
      )
    },
  )

  it.each(['100% sure', 'a%2Fb/c', 'a//b/', '(.)folder/[...name]/@slot', 'file.rsc'])(
    'called %j is found by client-side links too',
    async (name) => {
      await look(promptPath(name), async ({ page }) => {
        await page.getByRole('link', { name: 'Swap' }).click()
        await page.waitForURL(/from=2&to=1/)
        await expect.poll(() => choice(page, 'From').inputValue()).toBe('2')
        expect(await heading(page)).toBe(name)
      })
    },
  )

  it('offers a choice if several projects have a prompt of that name', async () => {
    await look(
      '/prompts/greeting',
      async ({ page }) => {
        expect(await heading(page)).toBe('2 projects have a prompt called greeting')
        await page.getByRole('link', { name: 'project-b' }).click()
        await page.waitForURL(`${app.url}/prompts/greeting?project=project-b`)
        await page.getByText('Full text of v1').click()
        expect(await page.getByRole('group', { name: 'Text of v1, part 1' }).innerText()).toBe('Hi {{name}}!')
        expect(await page.innerText('main')).toContain('The text of only one version is known.')
      },
      withoutScript,
    )
  })

  it('says that the prompt is not found, in any project or in that one', async () => {
    for (const path of ['/prompts/unknown', `${refund}?project=other`, '/prompts/by-name?name=..'])
      await look(path, async ({ page }) => {
        expect(await heading(page)).toBe('Prompt not found')
      })
  })

  it('shows which label is on which version', async () => {
    await look(refund, async ({ page }) => {
      const labels = await page.getByRole('main').locator('dl').first().getByRole('listitem').allInnerTexts()
      expect(labels.map((label) => label.replaceAll(/\s+/g, ' '))).toEqual([
        'production is on v7',
        'latest is on v7',
        'staging is on v6',
      ])
    })
  })

  it('lists the versions with labels, message, author, tags and time, and strikes out deleted ones', async () => {
    await look(refund, async ({ page }) => {
      const table = page.getByRole('table', { name: 'Versions, newest first' })
      const rows = (await table.getByRole('row').allInnerTexts()).slice(1)
      expect(rows.map((row) => row.trim().split(/\s/)[0])).toEqual(['v7', 'v6', 'v2', 'v1'])
      for (const part of [
        'production',
        'Say sorry first',
        'text',
        'support, tier-1',
        'Maya Okonkwo',
        'min ago',
      ])
        expect(rows[0]).toContain(part)
      expect(rows[1]).toContain('clu_maya')
      expect(rows[2]).toMatch(/content unknown[\s\S]*Langfuse API/)
      expect(await table.locator('del').allInnerTexts()).toEqual(['v1'])
    })
  })

  it('pages to older versions', async () => {
    await look(
      '/prompts/many',
      async ({ page }) => {
        const first = () => page.getByRole('table', { name: 'Versions' }).getByRole('row').nth(1).innerText()
        await expect.poll(first).toMatch(/^v45/)
        await page.getByRole('link', { name: 'Older versions' }).click()
        await expect.poll(first).toMatch(/^v25/)
        await page.getByRole('link', { name: 'Older versions' }).click()
        await expect.poll(first).toMatch(/^v5/)
        expect(await page.getByRole('link', { name: 'Older versions' }).count()).toBe(0)
        await page.getByRole('link', { name: 'Newest versions' }).click()
        await expect.poll(first).toMatch(/^v45/)
      },
      withoutScript,
    )
  })

  it('lists its changes, page by page, and no others', async () => {
    await look(refund, async ({ page }) => {
      const table = page.getByRole('table', { name: 'Changes of this prompt, newest first' })
      expect((await table.getByRole('link').allInnerTexts()).length).toBe(2)
      await table.getByRole('link').first().click()
      await page.waitForURL(`${app.url}/changes/${promotion?.changeId}`)
      await page.getByRole('link', { name: 'All versions of this prompt' }).click()
      await page.waitForURL(`${app.url}${refund}?project=${projectId}`)
    })
    await look(
      '/prompts/many',
      async ({ page }) => {
        const people = async () => {
          const table = page.getByRole('table', { name: 'Changes of this prompt' })
          const words = await table.getByText(/^Person/).allInnerTexts()
          return [words[0], words.at(-1)]
        }
        await expect.poll(people).toEqual(['Person 0', 'Person 19'])
        await page.getByRole('link', { name: 'Older', exact: true }).click()
        await expect.poll(people).toEqual(['Person 20', 'Person 39'])
        await page.getByRole('link', { name: 'Newest', exact: true }).click()
        await expect.poll(people).toEqual(['Person 0', 'Person 19'])
      },
      withoutScript,
    )
  })
})

const codeOf = (character: string): string =>
  `U+${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`

describe('the difference of two versions', () => {
  it('is chosen with a form, without JavaScript', async () => {
    await look(
      '/prompts/many?view=split',
      async ({ page }) => {
        await choice(page, 'From').selectOption('3')
        await choice(page, 'to').selectOption('30')
        await page.getByRole('button', { name: 'Compare' }).click()
        await page.waitForURL(`${app.url}/prompts/many?view=split&from=3&to=30#difference`)
        expect(await lines(page).innerText()).toMatch(/−\s*Text 3\s+1\s*\+\s*Text 30/)
        expect(await choice(page, 'From').inputValue()).toBe('3')
      },
      withoutScript,
    )
  })

  it('shows by default what production would get', async () => {
    await look(chat, async ({ page }) => {
      expect(await choice(page, 'From').inputValue()).toBe('1')
      expect(await choice(page, 'to').inputValue()).toBe('2')
    })
  })

  it('marks words, says whether each line was added or removed, and folds unchanged lines', async () => {
    await look(`${refund}?from=6&to=7`, async ({ page }) => {
      const box = lines(page)
      expect(await box.locator('del').allInnerTexts()).toEqual(['Ask {{customer}}'])
      expect(await box.locator('ins').first().innerText()).toBe(
        'Use {{customer_name}} and {{order_id}}, never ask',
      )
      expect(await box.getByRole('img', { name: 'removed' }).count()).toBe(2)
      expect(await box.getByRole('img', { name: 'added' }).count()).toBe(3)
      expect(await box.innerText()).toContain('8 unchanged lines')
      const section = await page.getByRole('region', { name: 'Difference' }).innerText()
      for (const part of ['+ order_id', '− customer', '0.7 → 0.2', 'added 400', '333 → 452 characters'])
        expect(section).toContain(part)
      expect(section).toMatch(/labels from\s+staging\s+to\s+latest\s+production/)
    })
  })

  it('is side by side if there is room, and in one column on a phone', async () => {
    const places = async (page: Page) => {
      const line = (text: string) => lines(page).locator('.diff-line:visible', { hasText: text })
      const boxes = [line('Ask {{customer}}'), line('Use {{customer_name}}')].map((one) => one.boundingBox())
      const [old, fresh] = await Promise.all(boxes)
      return { old, fresh, shown: await line('You write replies').count() }
    }
    const split = `${refund}?from=6&to=7&view=split`
    await look(split, async ({ page }) => {
      const { old, fresh, shown } = await places(page)
      expect([old?.y, shown]).toEqual([fresh?.y, 2])
      expect(fresh?.x).toBeGreaterThan((old?.x ?? 0) + 400)
      expect(await page.getByRole('link', { name: 'Unified' }).isVisible()).toBe(true)
    })
    await look(
      split,
      async ({ page }) => {
        const { old, fresh, shown } = await places(page)
        expect([old?.x, shown]).toEqual([fresh?.x, 1])
        expect(fresh?.y).toBeGreaterThan(old?.y ?? Number.POSITIVE_INFINITY)
        expect(await page.getByRole('link', { name: 'Unified' }).isVisible()).toBe(false)
      },
      { viewport: { width: 390, height: 844 } },
    )
  })

  it('says for each message of a chat what changed, including its role', async () => {
    await look(chat, async ({ page }) => {
      const text = await lines(page).innerText()
      expect(text).toMatch(/system\s+changed[\s\S]*kind[\s\S]*placeholder history\s+added[\s\S]*user/)
    })
  })

  it('of huge texts is shown in part, with the number of omitted lines and the whole size', async () => {
    await look('/prompts/policy-handbook', async ({ page }) => {
      expect(await lines(page).locator('.diff-line').count()).toBe(2000)
      expect(await lines(page).innerText()).toMatch(/… 16,000 more changed lines/)
      expect(await page.innerText('main')).toContain('16,000 changed lines not shown')
      await page.getByText('Full text of v12').click()
      expect(await page.innerText('main')).toMatch(/The first 20,000 of \d{3},\d{3} characters/)
    })
  })

  it('is shown as text, with invisible and reordering characters as codes', async () => {
    await look(promptPath(hostileName), async ({ page }) => {
      const text = await lines(page).innerText()
      expect(text).toContain('</script><script>alert(1)</script>')
      expect(text).toMatch(/U\+202Ereordered\s*U\+202C\s*U\+0007/)
      for (const odd of ['\u202e', '\u202c', '\u0007']) expect(text).not.toContain(odd)
      // A right-to-left line keeps its direction as a whole, in spite of the mark in it.
      const line = lines(page).locator('.diff-new', { hasText: 'مرحبا' })
      const [hello, world] = await line.locator('bdi').evaluate((whole) => {
        const texts = [...whole.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE)
        return [texts.at(0), texts.at(-1)].map((node) => {
          const range = document.createRange()
          if (node) range.selectNodeContents(node)
          return range.getBoundingClientRect().x
        })
      })
      expect(hello).toBeGreaterThan(world ?? Number.POSITIVE_INFINITY)
    })
  })
})

describe('the difference on the page of a change', () => {
  it('is complete if both texts are known, and can be shown side by side', async () => {
    await look(
      `/changes/${promotion?.changeId}`,
      async ({ page }) => {
        expect(await lines(page).innerText()).toContain('8 unchanged lines')
        await page.getByRole('link', { name: 'Side by side' }).click()
        await page.waitForURL(/\?view=split#difference$/)
        await expect.poll(() => lines(page).locator('.diff-run').count()).toBeGreaterThan(0)
        await page.getByRole('link', { name: 'v6 → v7' }).click()
        await page.waitForURL(`${app.url}${refund}?project=${projectId}&from=6&to=7#difference`)
      },
      withoutScript,
    )
  })
})
