// Package balance chooses a member of a pool: ROUND_ROBIN, LEAST_CONNECTIONS,
// SOURCE_IP, SOURCE_IP_PORT, each weighted. It knows nothing of sockets: a member is anything
// that says whether it is up and how much it carries.
//
// All pickers follow the same rules. Weight 0 and members that are not up are
// never picked. Backup members are picked only while no other member can be.
// Picking takes no lock and allocates nothing.
package balance
