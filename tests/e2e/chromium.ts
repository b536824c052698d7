import { existsSync } from 'node:fs'
import sparticuz from '@sparticuz/chromium'
import { type Browser, chromium } from 'playwright-core'

const installed = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
]

/** `--no-sandbox`: containers give no user namespaces. The rest keeps it from calling home. */
const args = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** A Chromium of the system (or `CHROMIUM_PATH`), else the binary inside `@sparticuz/chromium`. */
export async function launchChromium(): Promise<Browser> {
  const own = process.env.CHROMIUM_PATH
  if (own !== undefined && !existsSync(own))
    throw new Error(`CHROMIUM_PATH is ${own}, but there is no such file`)
  const found = own ?? installed.find((path) => existsSync(path))
  if (found !== undefined) return chromium.launch({ executablePath: found, args })
  return chromium.launch({
    executablePath: await sparticuz.executablePath(),
    args: [...sparticuz.args, ...args],
  })
}
