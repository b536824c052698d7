import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import type { NextConfig } from 'next'

const maxForm = 128 * 1024

const rules = 'relay.config.ts'
const text = existsSync(rules) ? readFileSync(rules, 'utf8').replaceAll('\r\n', '\n') : ''

const config: NextConfig = {
  // Put into the code at the build, by which `lib/pipeline/setup/built-rules.ts` tells whether the file was changed since.
  env: { RELAY_CONFIG_HASH: createHash('sha256').update(text).digest('hex') },
  agentRules: false,
  poweredByHeader: false,
  // The container's build only: `next start` warns of it.
  output: process.env.NEXT_OUTPUT === 'standalone' ? 'standalone' : undefined,
  // No page shows a picture that needs it: one door less, and 30 MB.
  images: { unoptimized: true },
  outputFileTracingExcludes: { '*': ['node_modules/sharp/**', 'node_modules/@img/**'] },
  experimental: {
    // Next would load every page at start, 0.3 s in which the door waits. A page is loaded when it is first asked for.
    preloadEntriesOnStart: false,
    // Our forms are small, and whoever is not logged in may send some. (`proxy.ts` compares their origins: what is
    // written here is fixed when the app is built, and the public address is not known then.)
    serverActions: { bodySizeLimit: maxForm },
    proxyClientMaxBodySize: maxForm,
  },
  headers: async () => [
    { source: '/_next/static/:path*', headers: [{ key: 'X-Content-Type-Options', value: 'nosniff' }] },
  ],
}

export default config
