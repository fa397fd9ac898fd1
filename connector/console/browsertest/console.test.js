import { after, afterEach, before, test } from "node:test";
import { start } from "./world.js";
import { byKeyboard } from "./conversation.js";
import { loss, recovery, theConnectorDies } from "./weather.js";
import { aFilter, twoPages } from "./pages.js";
import { staysFluid } from "./burst.js";
import { everythingIsText } from "./hostile.js";
import { anotherStream, outOfSight, refused } from "./stream.js";
import { strangeNames } from "./strange.js";
import { whileNothingAnswers } from "./waiting.js";
import { asPublished } from "./opened.js";
import { onlyWatching } from "./watching.js";
import { forTheReadme, inEveryForm } from "./looks.js";

const timeout = 300000; // for what hangs: the longest takes 20 s, but not on a busy machine
let world;
before(async () => (world = await start()), { timeout });
afterEach(() => world.closePages());
after(() => world?.stop());

test("a whole conversation by the keyboard alone", { timeout }, () => byKeyboard(world));
test("two pages see the same, and a reload shows the past", { timeout }, () => twoPages(world));
test("the messages are filtered by chat, kind and words", { timeout }, () => aFilter(world));
test("a connector's page asks for the token, and can only be looked at", { timeout }, () => onlyWatching(world));
test("a lost answer shows as a recovery", { timeout }, () => recovery(world));
test("a lost history shows as a gap", { timeout }, () => loss(world));
test("a dead connector shows, and a living one", { timeout }, () => theConnectorDies(world));
test("a page that comes back goes on where it was", { timeout }, () => outOfSight(world));
test("a page that is refused says why, and comes back", { timeout }, () => refused(world));
test("while the contact center answers nothing, the page does", { timeout }, () => whileNothingAnswers(world));
test("a message is shown as it was published", { timeout }, () => asPublished(world));
test("names that nobody foresaw stop nothing", { timeout }, () => strangeNames(world));
test("another stream is begun with, and its absence told", { timeout }, () => anotherStream(world));
test("whatever is in a field is text", { timeout }, () => everythingIsText(world));
test("dark, light, zoomed, narrow: nobody is shut out", { timeout }, () => inEveryForm(world));
if (process.env.CONSOLE_SHOTS) test("pictures for the README", { timeout }, () => forTheReadme(world));
test("2,000 events at once leave the page fluid", { timeout }, () => staysFluid(world));
