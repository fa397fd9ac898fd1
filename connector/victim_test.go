package connector_test

const victimEnv = "CC_CONNECTOR_REHEARSAL"

func beVictim(string) {}
