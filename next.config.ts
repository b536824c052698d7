import type { NextConfig } from 'next'

const publicUrl = process.env.PUBLIC_URL?.trim()

const config: NextConfig = {
  agentRules: false,
  poweredByHeader: false,
  experimental: {
    // Behind a proxy that does not pass the host on, forms are posted from the public address.
    serverActions: { allowedOrigins: publicUrl && URL.canParse(publicUrl) ? [new URL(publicUrl).host] : [] },
  },
  headers: async () => [
    { source: '/_next/static/:path*', headers: [{ key: 'X-Content-Type-Options', value: 'nosniff' }] },
  ],
}

export default config
