import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import type { NextConfig } from 'next'

const maxForm = 128 * 1024

const rules = 'relay.config.ts'
const text = existsSync(rules) ? readFileSync(rules, 'utf8').replaceAll('\r\n', '\n') : ''

const config: NextConfig = {
  // Built into the code, so that `lib/pipeline/setup/built-rules.ts` can detect whether the file has changed since.
  env: { RELAY_CONFIG_HASH: createHash('sha256').update(text).digest('hex') },
  agentRules: false,
  poweredByHeader: false,
  // Only for the container's build: `next start` warns about it.
  output: process.env.NEXT_OUTPUT === 'standalone' ? 'standalone' : undefined,
  // No page shows an image that needs it; this removes an endpoint and 30 MB.
  images: { unoptimized: true },
  outputFileTracingExcludes: { '*': ['node_modules/sharp/**', 'node_modules/@img/**'] },
  experimental: {
    // Otherwise Next loads every page at start, and webhooks wait for 0.3 s. A page is loaded when it is first requested.
    preloadEntriesOnStart: false,
    // Our forms are small, and some can be sent without a login. (`proxy.ts` compares their origins, because this
    // file is fixed at build time, when the public address is not known.)
    serverActions: { bodySizeLimit: maxForm },
    proxyClientMaxBodySize: maxForm,
  },
  headers: async () => [
    { source: '/_next/static/:path*', headers: [{ key: 'X-Content-Type-Options', value: 'nosniff' }] },
  ],
}

export default config
