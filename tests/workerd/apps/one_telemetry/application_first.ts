// A Worker whose copies of the package load in this order: that of the application, that of the library.
import "../two_copies/console.ts";
import "./application.ts";

import { application } from "./application.ts";
import * as library from "./library.ts";

export { TelemetryAggregator } from "isotel/aggregator";

const { worker, Room } = application(library);

export { Room };
export default worker;
