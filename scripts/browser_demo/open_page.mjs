// Open the page in Chromium, type into it, and tell what was seen: for its tests and its benchmark.
//
//     node open_page.mjs PACKAGE.JSON < REQUEST.json > ANSWER.json
//
// REQUEST: {url, executable, views: [{width, height, screenshot}], queries: [text], paste}; `paste`: a query
// comes at once, not key by key. ANSWER: a list of what each view
// showed: {width, ready, elsewhere, errors, shift, moved, overflow, memory, answers: [{text, rows, told, embedding, milliseconds}]}.
// `elsewhere` are the requests to other hosts, which are refused, as the whole network is once the page is ready.
// `screenshot` is a path without its end: -light.png and -dark.png are added.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const { chromium } = createRequire(process.argv[2])("playwright-core");
const request = JSON.parse(readFileSync(0, "utf8"));
const { hostname } = new URL(request.url);
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const LIMIT = { timeout: request.timeout ?? 60_000 };

const browser = await chromium.launch({ executablePath: request.executable, args: FLAGS });
try {
  const seen = [];
  for (const view of request.views) seen.push(await visit(view));
  process.stdout.write(JSON.stringify(seen));
} finally {
  await browser.close();
}

async function visit({ width, height, screenshot }) {
  const context = await browser.newContext({ viewport: { width, height } });
  const elsewhere = [];
  await context.route("**/*", (route) => {
    const url = new URL(route.request().url());
    if (url.hostname === hostname || !url.protocol.startsWith("http")) return route.continue();
    elsewhere.push(url.href);
    return route.abort();
  });
  const page = await context.newPage();
  const errors = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  await page.addInitScript(watchShifts);
  const start = performance.now();
  await page.goto(request.url);
  await page.waitForSelector("html[data-ready], #state.failed", LIMIT);
  const ready = performance.now() - start;
  const failed = await page.locator("#state.failed").allTextContents();
  if (failed.length) throw new Error([...failed, ...errors].join("; "));
  await context.setOffline(true);
  const answers = [];
  for (const text of request.queries) answers.push(await ask(page, text));
  await page.evaluate(moveTheMark);
  const { shift, moved, overflow } = await page.evaluate(() => ({
    shift: window.shift,
    moved: window.moved,
    overflow: document.documentElement.scrollWidth - window.innerWidth,
  }));
  for (const colorScheme of screenshot ? ["light", "dark"] : []) {
    await page.emulateMedia({ colorScheme });
    await page.screenshot({ path: `${screenshot}-${colorScheme}.png`, fullPage: true });
  }
  const seen = { width, ready, elsewhere, errors, shift, moved, overflow, memory: await memory(), answers };
  await context.close();
  return seen;
}

/** Type a text, from the keyboard alone, and wait for its answer. */
async function ask(page, text) {
  await page.focus("#query");
  await page.keyboard.press("Control+A");
  await page.keyboard.press("Delete");
  await page.waitForSelector("#results:not(:has([data-sentence]))", LIMIT);
  if (request.paste) await page.fill("#query", text);
  else await page.keyboard.type(text);
  await page.waitForSelector(`html[data-answered=${JSON.stringify(text)}]`, LIMIT);
  return page.evaluate((typed) => {
    const rows = [...document.querySelectorAll("#results li")].map((row) => {
      const sentence = row.querySelector(".sentence");
      return {
        language: row.dataset.language,
        sentence: Number(row.dataset.sentence),
        cosine: Number(row.querySelector(".cosine").textContent),
        text: sentence.textContent,
        lang: sentence.lang,
        direction: getComputedStyle(sentence).direction,
        marked: row.classList.contains("translation"),
      };
    });
    const told = Object.fromEntries(
      ["bytes", "ready", "time", "memory"].map((id) => [id, document.getElementById(id).textContent]),
    );
    return { text: typed, rows, told, ...window.answer };
  }, text);
}

/** Take the mark from the rows that have it and give it back, as other answers do, each for two frames. */
async function moveTheMark() {
  const frame = () => new Promise((seen) => requestAnimationFrame(seen));
  const rows = document.querySelectorAll("#results .translation");
  for (const marked of [false, true]) {
    rows.forEach((row) => row.classList.toggle("translation", marked));
    await frame();
    await frame();
  }
}

/** The largest memory that the page's process had, in bytes; 0 where the system does not say. */
async function memory() {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  const peaks = processInfo.filter(({ type }) => type === "renderer").map(({ id }) => peak(id));
  return Math.max(0, ...peaks);
}

function peak(id) {
  try {
    return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${id}/status`, "utf8"))[1]) * 1024;
  } catch {
    return 0;
  }
}

function watchShifts() {
  window.shift = 0;
  window.moved = [];
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      // What is inside the field has no node here: its cross changes sides with the direction of the text.
      if (entry.sources.every(({ node }) => node === null || node === undefined)) continue;
      window.shift += entry.value;
      for (const { node, previousRect, currentRect } of entry.sources)
        window.moved.push(
          `${node?.nodeName} ${node?.id}: ${JSON.stringify(previousRect)} to ${JSON.stringify(currentRect)}`,
        );
    }
  }).observe({ type: "layout-shift", buffered: true });
}
