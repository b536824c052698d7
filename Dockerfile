FROM node:24-slim AS build
WORKDIR /app
ENV NEXT_TELEMETRY_DISABLED=1
COPY package.json package-lock.json ./
RUN npm install --no-audit --no-fund
COPY . .
RUN NEXT_OUTPUT=standalone npm run build

FROM node:24-slim
WORKDIR /app
# NEXT_MANUAL_SIG_HANDLE: SIGTERM is the relay's, which lets sends under way finish before it ends.
ENV NODE_ENV=production NEXT_TELEMETRY_DISABLED=1 NEXT_MANUAL_SIG_HANDLE=true \
    HOSTNAME=0.0.0.0 PORT=3000 DATABASE_URL=file:/data/prompt-relay.db
COPY --from=build /app/.next/standalone ./
COPY --from=build /app/.next/static ./.next/static
COPY --from=build /app/public ./public
COPY --from=build /app/scripts/json-log.ts ./scripts/
COPY --from=build /app/lib/base/json-console.ts ./lib/base/
RUN mkdir -p /data .next/cache && chown node:node /data .next/cache
VOLUME /data
USER node
EXPOSE 3000
# Only whether the process lives: a restart helps against neither a full disk nor a lost database (/api/health reports both).
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
    CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/api/health/live`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# Next's own lines are JSON from the first one on.
CMD ["node", "--import", "./scripts/json-log.ts", "server.js"]
