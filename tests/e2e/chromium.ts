import { existsSync } from 'node:fs'
import sparticuz from '@sparticuz/chromium'
import { type Browser, chromium } from 'playwright-core'

const installed = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
]

/** `--no-sandbox`: containers have no user namespaces. The rest keeps it from calling home. */
const args = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/**
 * `CHROMIUM_PATH`, else the binary in `@sparticuz/chromium`: a headless shell, which takes half the processor time of a
 * full browser. If that does not run (another system, a missing library), the system's Chromium. The package's own
 * arguments are left out: `--disable-web-security` removes the `Origin` from every form.
 */
export async function launchChromium(): Promise<Browser> {
  const own = process.env.CHROMIUM_PATH
  if (own !== undefined && !existsSync(own))
    throw new Error(`CHROMIUM_PATH is ${own}, but there is no such file`)
  const executablePath = own ?? (await sparticuz.executablePath())
  return chromium.launch({ executablePath, args }).catch((error) => {
    const found = own === undefined && installed.find((path) => existsSync(path))
    if (!found) throw error
    return chromium.launch({ executablePath: found, args })
  })
}
