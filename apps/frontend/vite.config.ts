import { defineConfig } from "vite";

const api = "http://127.0.0.1:8080";

export default defineConfig({
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    target: "es2022",
    // No data: URLs: they would need an exception in the content security policy.
    assetsInlineLimit: 0,
    // Every browser of the build target preloads modules by itself.
    modulePreload: { polyfill: false },
  },
  server: {
    host: "127.0.0.1",
    proxy: {
      "/api": { target: api },
      "/ws": { target: api, ws: true },
    },
  },
});
