/**
 * Looks at a page in light and dark, narrow and wide, and prints what it saw as JSON.
 *
 * Arguments: the program that is Chromium, the page's URL, the text to look for with its filter, and a
 * directory for screenshots, or nothing.
 */

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

import { chromium } from 'playwright-core';

const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const [executablePath, url, sought, shots] = process.argv.slice(2);
const args = [
  '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
];

/** What axe-core objects to, in the state that the page is in. */
async function violations(page) {
  await page.evaluate(source); // Not as a script of the page, whose policy would refuse it.
  const { violations: found } = await page.evaluate('axe.run(document)');
  return found.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.target.join(' ')}: ${node.failureSummary}`));
}

/** Whether anything makes the page itself wider than the window. */
const overflows = 'document.documentElement.scrollWidth > document.documentElement.clientWidth';

/** Find `sought` with the keyboard alone, and tell what the filter leaves. */
async function filter(page) {
  const shown = () => page.locator('details.entry:visible').count();
  const before = await shown();
  let tabs = 0;
  while (!(await page.evaluate('document.activeElement.matches("form.filter input")'))) {
    if (++tabs > 60) return { before, tabs };
    await page.keyboard.press('Tab');
  }
  await page.keyboard.type(sought);
  const after = await shown();
  const told = await page.locator('form.filter output').textContent();
  await page.keyboard.press('Tab');
  await page.keyboard.press('ArrowDown');
  const choice = await page.evaluate('document.activeElement.value');
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('Shift+Tab');
  await page.keyboard.press('Control+A');
  await page.keyboard.press('Delete');
  return { before, tabs, after, told, choice, again: await shown() };
}

/** Walk through a case: where it opens, where the keys lead, and what a click on a participant leaves. */
async function walk(page) {
  const shown = () => page.locator('.walk .sequence li[data-group]:visible').count();
  const focused = () => page.evaluate('document.activeElement.className');
  const opened = await page.evaluate(`(() => {
    const { top, bottom } = document.activeElement.getBoundingClientRect();
    return { at: document.activeElement.id, middle: (top + bottom) / 2 / innerHeight };
  })()`);
  const before = await shown();
  await page.keyboard.press('ArrowUp');
  const up = await focused();
  await page.keyboard.press('Home');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowRight');
  const frames = await page.locator('.walk details.held[open]').count();
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('o');
  const back = await page.evaluate('document.activeElement.id');
  const lane = page.locator('button[data-filter="lane"]').first();
  await lane.click();
  const after = await shown();
  await lane.click();
  return { opened, before, up, frames, back, after, again: await shown() };
}

const source = readFileSync(axe, 'utf8');
const browser = await chromium.launch({ executablePath, args, chromiumSandbox: false });
const looks = [];
try {
  for (const colorScheme of ['light', 'dark']) {
    for (const width of [360, 1280]) {
      const context = await browser.newContext({ colorScheme, viewport: { width, height: 900 } });
      const page = await context.newPage();
      page.setDefaultTimeout(0); // Whoever started this has a deadline.
      const errors = [];
      page.on('console', (message) => ['error', 'warning'].includes(message.type()) && errors.push(message.text()));
      page.on('pageerror', (error) => errors.push(String(error)));
      page.on('request', (request) => /^(file|data):/.test(request.url()) || errors.push(`asks for ${request.url()}`));
      await page.goto(url);
      const look = { look: `${colorScheme} ${width}`, ...((await page.locator('.walk').count()) ? { walk: await walk(page) } : { filter: await filter(page) }) };
      if (shots) await page.screenshot({ path: `${shots}/${colorScheme}-${width}.png` });
      await page.evaluate('document.querySelectorAll("details").forEach((each) => { each.open = true; })');
      // axe-core takes most of the time: each colour scheme and each width is examined once.
      look.violations = (width === 360) === (colorScheme === 'dark') ? await violations(page) : [];
      look.overflows = await page.evaluate(overflows);
      if (shots) {
        const end = page.locator('.missed, .decisive').first();
        if (await end.count()) await end.scrollIntoViewIfNeeded();
        await page.screenshot({ path: `${shots}/${colorScheme}-${width}-open.png` });
      }
      looks.push({ ...look, errors });
      await context.close();
    }
  }
} finally {
  await browser.close();
}
console.log(JSON.stringify(looks));
