import { after, afterEach, before, test } from "node:test";
import { start } from "./world.js";
import { byKeyboard } from "./conversation.js";
import { loss, recovery, theConnectorDies } from "./weather.js";
import { aFilter, onlyWatching, twoPages } from "./pages.js";
import { staysFluid } from "./burst.js";
import { everythingIsText } from "./hostile.js";
import { forTheReadme, inEveryForm } from "./looks.js";

const timeout = 300000; // for what hangs: the longest takes 20 s, but not on a busy machine
let world;
before(async () => (world = await start()), { timeout });
afterEach(() => world.closePages());
after(() => world?.stop());

test("a whole conversation by the keyboard alone", { timeout }, () => byKeyboard(world));
test("two pages see the same, and a reload shows the past", { timeout }, () => twoPages(world));
test("the messages are filtered by chat, kind and words", { timeout }, () => aFilter(world));
test("the form to watch asks for the token and has no customer", { timeout }, () => onlyWatching(world));
test("a lost answer shows as a recovery", { timeout }, () => recovery(world));
test("a lost history shows as a gap", { timeout }, () => loss(world));
test("a dead connector shows, and a living one", { timeout }, () => theConnectorDies(world));
test("whatever is in a field is text", { timeout }, () => everythingIsText(world));
test("dark, light, zoomed, narrow: nobody is shut out", { timeout }, () => inEveryForm(world));
if (process.env.CONSOLE_SHOTS) test("pictures for the README", { timeout }, () => forTheReadme(world));
test("2,000 events at once leave the page fluid", { timeout }, () => staysFluid(world));
