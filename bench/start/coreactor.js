// Imports the package and runs an empty main.
import { run } from 'coreactor';

run(function* () {});
